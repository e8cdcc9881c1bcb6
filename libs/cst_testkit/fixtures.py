"""Fixtures over the session's stack: a migrated database and an app, one of each a test file; and
a stack of a test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from cst_core.clock import Clock
from cst_ledger.ledger import Ledger
from cst_ledger.rules import RuleBook
from cst_mongo.client import Database
from cst_stack import Endpoints, Home
from cst_testkit.apps import Api, running_api
from cst_testkit.databases import fresh_database
from cst_testkit.pump import Pump
from cst_testkit.stacks import running_stack


@pytest.fixture(scope="module")
async def db(mongo_uri: str) -> AsyncIterator[Database]:
    """A fresh database with every collection and index, for the tests of one file."""
    async with fresh_database(mongo_uri) as database:
        yield database


@pytest.fixture(scope="module")
def ledger(db: Database) -> Ledger:
    """The ledger over ``db``, writing as a service named ``test``."""
    return Ledger(db, "test", RuleBook.shipped(), Clock())


@pytest.fixture(scope="module")
async def api(mongo_uri: str) -> AsyncIterator[Api]:
    """The whole API over a fresh New York on a Tuesday noon, for the tests of one file."""
    async with running_api(mongo_uri) as running:
        yield running


@pytest.fixture(scope="module")
def pump(api: Api) -> Pump:
    """What stands in for relay, broker and workers of ``api``."""
    return Pump(api.core)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """State folder of the stack that ``own_stack`` runs."""
    return Home(tmp_path / "home")


@pytest.fixture
def own_stack(home: Home) -> Iterator[Endpoints]:
    """A stack that the test may break; always the embedded one."""
    with running_stack("embedded", home) as endpoints:
        yield endpoints
