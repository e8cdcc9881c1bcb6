"""Triage: by rule as requests come in, and the queue of what waits for staff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cst_city.models import Category
from cst_contracts.enums import PRIORITIES
from cst_contracts.events import RequestEvent
from cst_core.errors import InvalidInput
from cst_core.paging import read_place, write_place
from cst_inbox import Inbox
from cst_ledger.events import Document
from cst_ledger.ledger import REQUESTS
from cst_mongo.client import Session
from cst_process.core import Core
from cst_workflow.domain.danger import danger_notices
from cst_workflow.domain.triage import triage, waits_because


class TriageService:
    """Triages by rule, and shows what no rule covers."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ledger = core.ledger("workflow")
        self._inbox = Inbox(core.db)
        self._requests = core.db[REQUESTS.name]

    async def take(self, events: Sequence[RequestEvent], session: Session) -> None:
        """Triage the requests that events tell of, if a rule covers them, within ``session``.

        A danger that one was filed with goes to the inbox, also where staff triage.
        """
        documents = await self._ledger.load_many((event.subject for event in events), session)
        for event in events:
            if event.name == "created" and event.data.get("dangerous"):
                await self._warn(documents[event.subject], event.seq, session)
        catalog = await self._core.catalog.get()
        triaged = [(document, triage(document, catalog)) for document in documents.values()]
        await self._ledger.append_many(triaged, session)

    async def _warn(self, document: Document, seq: int, session: Session) -> None:
        now = self._core.clock.now()
        for notice in danger_notices(document, seq):
            await self._inbox.post(notice, document, now, session)

    async def queue(
        self, cursor: str | None, limit: int
    ) -> tuple[list[tuple[Document, str]], str | None]:
        """Return a page of what waits for staff, each with the reason, and the next cursor.

        The most urgent come first, of equally urgent ones the oldest.

        Raises:
            InvalidInput: the cursor is not one of ours.
        """
        categories = (await self._core.catalog.get()).categories
        found = await self._waiting(categories, cursor, limit + 1)
        page = [
            (document, waits_because(document, categories.get(document["category"])))
            for document in found[:limit]
        ]
        return page, _cursor_of(page[-1][0]) if len(found) > limit else None

    async def _waiting(
        self, categories: Mapping[str, Category], cursor: str | None, limit: int
    ) -> list[Document]:
        by_rule = [code for code, category in categories.items() if category.triage == "auto"]
        wanted: dict[str, Any] = {
            "status": "new",
            "historic": False,
            "duplicates.is_master": True,
            "$or": [{"category": {"$nin": by_rule}}, {"workflow.hold": {"$ne": None}}],
        }
        if cursor is not None:
            wanted = {"$and": [wanted, _after(cursor)]}
        order = [("priority", 1), ("timestamps.created_at", 1), ("request_id", 1)]
        return await self._requests.find(wanted).sort(order).limit(limit).to_list()


def _cursor_of(document: Document) -> str:
    created_at: datetime = document["timestamps"]["created_at"]
    return write_place(created_at, f"{document['priority']} {document['request_id']}")


def _after(cursor: str) -> dict[str, Any]:
    created_at, key = read_place(cursor)
    priority, _, request_id = key.partition(" ")
    if priority not in PRIORITIES:
        raise InvalidInput.field("cursor", "is not a cursor of this list", cursor[:100])
    same = {"priority": priority}
    return {
        "$or": [
            {"priority": {"$gt": priority}},
            same | {"timestamps.created_at": {"$gt": created_at}},
            same | {"timestamps.created_at": created_at, "request_id": {"$gt": request_id}},
        ]
    }
