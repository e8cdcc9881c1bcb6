"""The projections ``queue`` and ``acceptance``: a row for each request that waits, or is to begin.

Both follow from the requests' documents, which are the fold of their events. All open ones are read
at one instant with the rows; what differs is followed again, each in a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from cst_dispatch.acceptance import ACCEPTANCE, Acceptance
from cst_dispatch.choosing import Chooser
from cst_dispatch.domain.decisions import is_to_assign
from cst_dispatch.queue import QUEUE, row_of
from cst_dispatch.service import DispatchService
from cst_ledger.events import Document
from cst_ledger.ledger import REQUESTS
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_process.projection import Differences, difference

#: What a request brings about by itself; when it is looked at, and what came of it, is not.
_OF_THE_REQUEST = ("priority", "zone_id", "skills", "past_agent_ids", "created_at")

Row = Mapping[str, Any]


class FollowUps:
    """Checks and corrects the rows of one collection."""

    def __init__(
        self,
        core: Core,
        rows: str,
        status: str,
        right: Callable[[Document, Session], Awaitable[Row | None]],
        follow: Callable[[Sequence[Document], Session], Awaitable[object]],
    ) -> None:
        self._db = core.db
        self._rows = core.db[rows]
        self._requests = core.db[REQUESTS.name]
        self._ledger = core.ledger("dispatch")
        self._status = status
        self._right = right
        self._follow = follow

    async def rebuild(self) -> int:
        """Correct what is wrong; return how many rows there are afterwards."""
        for request_id in await self._wrong():
            await transact(self._db, partial(self._once, request_id))
        return await self._rows.estimated_document_count()

    async def check(self) -> list[str]:
        """Return a line for each row that is not what the ledger says; see ``Projection``."""
        found = Differences()
        for request_id, line in (await self._wrong()).items():
            found.add(f"{request_id}: {line}")
        return found.lines()

    async def _once(self, request_id: str, session: Session) -> None:
        await self._follow([await self._ledger.load(request_id, session)], session)

    async def _wrong(self) -> dict[str, str]:
        """Return what is wrong, by request id."""

        async def once(session: Session) -> dict[str, str]:
            found = {row["_id"]: row async for row in self._rows.find({}, session=session)}
            wrong: dict[str, str] = {}
            open_ones = self._requests.find({"status": self._status}, session=session)
            async for document in open_ones:
                right = await self._right(document, session)
                is_now = found.pop(document["request_id"], None)
                shown = None if is_now is None else {k: is_now.get(k) for k in right or is_now}
                if shown != right:
                    wrong[document["request_id"]] = difference(shown, right)
            return wrong | dict.fromkeys(found, difference({}, None))

        return await transact(self._db, once)


def queue(core: Core) -> FollowUps:
    """Return the projection of what waits."""
    chooser = Chooser(core)

    async def right(document: Document, _: Session) -> Row | None:
        if not is_to_assign(document):
            return None
        row = row_of(document, (await chooser.job(document)).skills)
        return {name: row[name] for name in _OF_THE_REQUEST}

    follow = DispatchService(core, chooser).follow
    return FollowUps(core, QUEUE.name, "triaged", right, follow)


def acceptance(core: Core) -> FollowUps:
    """Return the projection of what is to be begun."""
    service = Acceptance(core)

    async def right(document: Document, session: Session) -> Row | None:
        if not await service.dues([document], session):
            return None
        return {"agent_id": document["assignment"]["assigned_agent_id"]}

    return FollowUps(core, ACCEPTANCE.name, "assigned", right, service.follow)
