"""A request's history, page by page: all of it for staff, what happened and when for the public."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from bson import ObjectId

from cst_contracts.requests import EventPage
from cst_http.tokens import Caller
from cst_intake.domain.paging import read_seq_cursor, seq_cursor
from cst_intake.domain.views import is_public_event, public_event
from cst_intake.requests import RequestService
from cst_ledger.events import Document
from cst_ledger.fold import happened_by
from cst_ledger.reader import events_after, events_of
from cst_ledger.views import staff_event
from cst_process.core import Core


class HistoryService:
    """Shows the events of a request."""

    def __init__(self, core: Core, requests: RequestService) -> None:
        self._core = core
        self._requests = requests

    async def page(
        self,
        request_id: str,
        caller: Caller,
        follow: str | None,
        *,
        as_of: str | None,
        cursor: str | None,
        limit: int,
    ) -> EventPage:
        """Return events in ``seq`` order, those that had happened by ``as_of`` if it is given.

        Raises:
            NotFound: there is no such request for the caller, or there was none yet.
            InvalidInput: ``as_of`` or ``cursor`` is wrong.
        """
        after = read_seq_cursor(cursor)
        document = await self._requests.get(request_id, caller, follow, as_of)
        found: list[dict[str, Any]] = []
        async for event in self._events(document["_id"], after, as_of):
            if not caller.is_staff and not is_public_event(event):
                continue
            if len(found) == limit:
                more = seq_cursor(found[-1]["seq"])
                break
            found.append(staff_event(event) if caller.is_staff else public_event(event))
        else:
            more = None
        return EventPage.model_validate(
            {"request_id": request_id, "events": found, "next_cursor": more}
        )

    async def _events(
        self, oid: ObjectId, after: int, as_of: str | None
    ) -> AsyncIterator[Document]:
        if as_of is None:
            async for event in events_after(self._core.db, oid, after):
                yield event
            return
        # What had happened by then is told by the events from the first one on.
        instant = self._requests.past(as_of)
        for event in happened_by(await events_of(self._core.db, oid), instant):
            if event["seq"] > after:
                yield event
