"""Requests in a real database, and how the tests of this folder look at them."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Sequence

import pytest

from cst_ledger.events import Document, NewEvent
from cst_ledger.ledger import Ledger
from cst_mongo.client import Database, Session
from cst_mongo.transactions import transact
from cst_testkit.factories import created_event

Create = Callable[..., Awaitable[str]]
_numbers = itertools.count(1)


@pytest.fixture
def new_id() -> Callable[[], str]:
    """Return request ids that no test has used."""
    return lambda: f"CST-2026-{next(_numbers):04d}"


@pytest.fixture
def create(db: Database, ledger: Ledger, new_id: Callable[[], str]) -> Create:
    """Create a request with its first event, and then what follows in one append each."""

    async def created(*later: Sequence[NewEvent], first: NewEvent | None = None) -> str:
        request_id = new_id()

        async def write(session: Session) -> Document:
            return await ledger.create(request_id, first or created_event(), session)

        await transact(db, write)
        for events in later:
            await ledger.record(request_id, lambda _, events=events: events)
        return request_id

    return created
