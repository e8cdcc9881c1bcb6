"""Merging by hand, and what staff decide of suggestions."""

from __future__ import annotations

from datetime import datetime

from cst_contracts.duplicates import MergeCommand, SuggestionDecision
from cst_core.clock import to_ms
from cst_core.errors import Conflict, InvalidInput, NotFound
from cst_http.tokens import Caller
from cst_ledger.events import By, Document, NewEvent
from cst_ledger.ledger import Ledger, check_version
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_workflow.domain.duplicates import Report
from cst_workflow.domain.merging import check_mergeable, raised
from cst_workflow.duplicates.linking import Link, Linking
from cst_workflow.duplicates.repository import DuplicateRepository, suggestion_id


class Merging:
    """Makes requests duplicates as staff say."""

    def __init__(self, core: Core, ledger: Ledger, repository: DuplicateRepository) -> None:
        self._core = core
        self._ledger = ledger
        self._repository = repository
        self._linking = Linking(core, ledger, repository)

    async def merge(self, request_id: str, command: MergeCommand, caller: Caller) -> Document:
        """Make a request the duplicate of another, or of that one's master; return it afterwards.

        Raises:
            NotFound: no such request.
            StaleVersion: it is at another version than expected.
            InvalidInput: the master is no request, or the request itself.
            Conflict: the two cannot be merged; the text says why.
        """
        if command.master_request_id == request_id:
            raise InvalidInput.field(
                "master_request_id", "is the request itself", command.master_request_id
            )
        by = By(caller.actor_type, caller.actor_id)

        async def once(session: Session) -> Document:
            document = await self._ledger.load(request_id, session)
            check_version(document, command.expected_version)
            master = await self._named_master(command.master_request_id, session)
            link = Link("manual", by, reason=command.reason)
            return await self._merge(document, master, link, session)

        return await transact(self._core.db, once)

    async def _named_master(self, master_id: str, session: Session) -> Document:
        try:
            return await self._ledger.load(master_id, session)
        except NotFound:
            raise InvalidInput.field("master_request_id", "is not a request", master_id) from None

    async def _merge(
        self, document: Document, named: Document, link: Link, session: Session
    ) -> Document:
        top = named["duplicates"]["master_request_id"]
        master = named if top is None else await self._ledger.load(top, session)
        check_mergeable(document, master)
        catalog = await self._core.catalog.get()
        events = raised(master, document, catalog, link.by)
        master = await self._ledger.append(master, events, session)
        link = _with_distance(link, document, master)
        document, master = await self._linking.link(document, master, link, session)
        for other in {master["request_id"], named["request_id"]}:
            await self._note(document, other, "confirmed", link.by.actor_id, session)
        return document

    async def decide(self, key: str, command: SuggestionDecision, caller: Caller) -> Document:
        """Confirm a suggestion, which merges the two, or refuse it for good; return its row.

        Raises:
            NotFound: no such suggestion.
            Conflict: it was decided before, or the two cannot be merged.
        """
        by = By(caller.actor_type, caller.actor_id)

        async def once(session: Session) -> Document:
            row = await self._open(key, session)
            document = await self._ledger.load(row["request_id"], session)
            if command.decision == "confirm":
                master = await self._ledger.load(row["master_request_id"], session)
                link = Link("suggestion", by, row["distance_m"], command.reason)
                await self._merge(document, master, link, session)
            else:
                await self._refuse(document, row, by, command.reason, session)
            decided = await self._repository.suggestion(key, session)
            assert decided is not None  # it was read in this transaction
            return decided

        return await transact(self._core.db, once)

    async def _open(self, key: str, session: Session) -> Document:
        row = await self._repository.suggestion(key, session)
        if row is None:
            raise NotFound(f"no suggestion {key[:100]}", suggestion_id=key[:100])
        if row["state"] == "void":
            raise Conflict("the suggestion does not hold any more: one of the two has changed")
        if row["state"] != "open":
            raise Conflict(
                f"{row['decided_by']} has {row['state']} it before", decided_by=row["decided_by"]
            )
        return row

    async def _refuse(
        self, document: Document, row: Document, by: By, reason: str | None, session: Session
    ) -> None:
        master_id = row["master_request_id"]
        meta = {"master_request_id": master_id}
        event = NewEvent("duplicate_refused", by, meta=meta, message=reason)
        await self._ledger.append(document, [event], session)
        await self._note(document, master_id, "refused", by.actor_id, session)

    async def _note(
        self, document: Document, master_id: str, state: str, by: str, session: Session
    ) -> None:
        """Keep the decision with the suggestion, where there is one."""
        key = suggestion_id(document["request_id"], master_id)
        if await self._repository.suggestion(key, session) is None:
            return
        await self._repository.decide(key, {}, state, by, self._now(), session)

    def _now(self) -> datetime:
        return to_ms(self._core.clock.now())

    async def suggestions(
        self, after: tuple[datetime, str] | None, limit: int
    ) -> tuple[list[Document], tuple[datetime, str] | None]:
        """Return a page of open suggestions, and where the next begins (None on the last)."""
        rows = await self._repository.open_suggestions(after, limit + 1)
        page = rows[:limit]
        if len(rows) <= limit:
            return page, None
        return page, (page[-1]["suggested_at"], page[-1]["_id"])


def _with_distance(link: Link, document: Document, master: Document) -> Link:
    """Say how far apart the two are, where both places are known."""
    if not (document["location"]["located"] and master["location"]["located"]):
        return Link(link.how, link.by, reason=link.reason)
    distance = round(Report.of(document).distance_m(Report.of(master)), 1)
    return Link(link.how, link.by, distance, link.reason)
