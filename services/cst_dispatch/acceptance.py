"""Work that nobody begins is given to another: the clock of the time for beginning.

How long an assignee has is the city's by priority, and runs on their shifts only, not while the
request is held. A row says when that is over; what counts is the request as it stands then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from bson import ObjectId
from pymongo import ASCENDING, DeleteOne, IndexModel, UpdateOne

from cst_dispatch.choosing import Chooser
from cst_dispatch.domain.acceptance import accept_by
from cst_dispatch.domain.decisions import DISPATCH
from cst_dispatch.reassignment import Reassignment
from cst_ledger.events import Document
from cst_mongo.claims import claim
from cst_mongo.client import Database, Session
from cst_mongo.indexes import CollectionSpec
from cst_mongo.leases import holder_name
from cst_mongo.transactions import is_transient, transact
from cst_process.core import Core
from cst_process.looping import repeat
from cst_roster.roster import Roster

log = structlog.get_logger(__name__)

ACCEPTANCE = CollectionSpec(
    "acceptance_clocks",
    (
        IndexModel([("next_due_at", ASCENDING)]),
        IndexModel([("agent_id", ASCENDING)]),
    ),
)
#: Pause between looks, in wall seconds, and how many requests are taken at a time.
PAUSE_S = 1.0
CLAIMED = 50
#: When work that nobody else can take is offered again.
AGAIN_AFTER = timedelta(hours=1)


class AcceptanceClocks:
    """The rows."""

    def __init__(self, db: Database) -> None:
        self._rows = db[ACCEPTANCE.name]

    async def follow(self, rows: Mapping[str, dict[str, Any] | None], session: Session) -> None:
        """Set the rows of requests, or remove them (None), in one round trip."""
        writes = [
            DeleteOne({"_id": key})
            if row is None
            else UpdateOne({"_id": key}, {"$set": {**row, "claimed_until": None}}, upsert=True)
            for key, row in rows.items()
        ]
        if writes:
            await self._rows.bulk_write(writes, ordered=False, session=session)

    async def of_agent(self, agent_id: ObjectId, session: Session) -> list[str]:
        """Return the requests that an agent has yet to begin."""
        cursor = self._rows.find({"agent_id": agent_id}, {"_id": 1}, session=session)
        return [row["_id"] async for row in cursor]

    @staticmethod
    def fallen_due(now: datetime) -> dict[str, Any]:
        """Return the filter of what should have been begun by ``now``."""
        return {"next_due_at": {"$lte": now}}

    async def claim(self, now: datetime, limit: int, holder: str) -> list[str]:
        """Take requests that are due, longest first; return their ids."""
        order = [("next_due_at", ASCENDING)]
        return await claim(self._rows, self.fallen_due(now), order, limit, holder)


class Acceptance:
    """Keeps the clocks, and passes on what was not begun in time."""

    def __init__(self, core: Core, chooser: Chooser | None = None) -> None:
        self._core = core
        self._ledger = core.ledger("dispatch")
        self._clocks = AcceptanceClocks(core.db)
        self._roster = Roster(core.db)
        self._reassignment = Reassignment(core, chooser)
        self._holder = holder_name()

    async def follow(self, documents: Sequence[Document], session: Session) -> dict[str, datetime]:
        """Bring requests' clocks in line with them.

        Returns:
            When the assignees' time is over, by request id, for those that have a clock.
        """
        dues = await self.dues(documents, session)
        rows = {document["request_id"]: _row(document, dues) for document in documents}
        await self._clocks.follow(rows, session)
        return dues

    async def follow_agent(self, agent_id: ObjectId, session: Session) -> None:
        """The same for all that an agent has yet to begin, as their shifts have changed."""
        ids = await self._clocks.of_agent(agent_id, session)
        await self.follow(list((await self._ledger.load_many(ids, session)).values()), session)

    async def dues(self, documents: Sequence[Document], session: Session) -> dict[str, datetime]:
        """Return when the assignees' time to begin is over, by request id, where it runs."""
        minutes = (await self._core.catalog.get()).city.acceptance_minutes
        running = [
            document
            for document in documents
            if is_to_begin(document) and document["priority"] in minutes
        ]
        holders = {document["assignment"]["assigned_agent_id"] for document in running}
        agents = await self._roster.find_all(holders, session)
        dues = dict[str, datetime]()
        for document in running:
            agent = agents.get(document["assignment"]["assigned_agent_id"])
            if agent is not None and agent["kind"] == "person":
                due = _due(document, agent, minutes[document["priority"]])
                if due is not None:
                    dues[document["request_id"]] = due
        return dues

    async def pass_on_due(self) -> int:
        """Give to others what was not begun in time; return how many requests were looked at."""
        due = await self._clocks.claim(self._core.clock.now(), CLAIMED, self._holder)
        for request_id in due:
            try:
                await self._pass_on(request_id)
            except Exception as error:
                if is_transient(error):
                    raise
                # Its claim keeps it from the others, which shall not wait for it.
                log.error("not passed on", request_id=request_id, exc_info=error)
        return len(due)

    async def _pass_on(self, request_id: str) -> None:
        async def once(session: Session) -> None:
            document, now = await self._ledger.load(request_id, session), self._core.clock.now()
            due = (await self.follow([document], session)).get(request_id)
            if due is None or due > now:
                return
            if await self._to_another(document, session) is None:
                await self._clocks.follow({request_id: {"next_due_at": now + AGAIN_AFTER}}, session)
                return
            await self.follow([await self._ledger.load(request_id, session)], session)

        await transact(self._core.db, once)

    async def _to_another(self, document: Document, session: Session) -> Document | None:
        """Give work to another; after so many who did not begin, to a supervisor."""
        request_id, by = document["request_id"], DISPATCH
        tries = (await self._core.catalog.get()).city.acceptance_tries
        if document["assignment"].get("not_accepted", 0) + 1 >= tries:
            taken = await self._reassignment.to_supervisor(request_id, by, session, "not_accepted")
            if taken is not None:
                return taken
        return await self._reassignment.pass_on(request_id, by, session, "not_accepted")

    async def run(self, stop: asyncio.Event) -> None:
        """Pass on what falls due until ``stop`` is set; any number of processes may do so."""

        async def work() -> bool:
            return await self.pass_on_due() == CLAIMED

        await repeat("acceptance", work, stop, pause_s=PAUSE_S)


def _row(document: Document, dues: Mapping[str, datetime]) -> dict[str, Any] | None:
    due = dues.get(document["request_id"])
    if due is None:
        return None
    return {"agent_id": document["assignment"]["assigned_agent_id"], "next_due_at": due}


def _due(document: Document, agent: Document, minutes: float) -> datetime | None:
    """Return when the time of ``agent`` to begin is over: so many minutes of their shifts.

    None where they have no shifts that come to so many.
    """
    # Work that came back and was given out again by a step has its time from that.
    given_at = [document["assignment"].get("since"), document["timestamps"]["assigned_at"]]
    since = max(at for at in given_at if at is not None)
    pauses = [(p["since"], p["until"]) for p in document["workflow"]["pauses"]]
    always = document["priority"] == "P1" and agent["schedule"]["on_call"]
    return accept_by(agent["schedule"], since, minutes, pauses, always=always)


def is_to_begin(document: Document) -> bool:
    """Tell whether somebody has a request and has yet to begin."""
    return (
        document["status"] == "assigned"
        and not document["historic"]
        and bool(document["duplicates"]["is_master"])
        and document["workflow"]["hold"] is None
    )
