"""Undoing a merge: both sides are repaired, and the duplicate has its own life again."""

from __future__ import annotations

from datetime import datetime

from cst_city.store import AGENTS
from cst_contracts.duplicates import UnmergeCommand
from cst_core.clock import to_ms
from cst_core.errors import Conflict
from cst_http.tokens import Caller
from cst_ledger.events import By, Document, NewEvent
from cst_ledger.ledger import Ledger, check_version
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_roster.roster import Roster, capacity_event
from cst_workflow.domain.unmerging import let_go, reopened, unlinked
from cst_workflow.duplicates.repository import DuplicateRepository, suggestion_id
from cst_workflow.successors import Successors


class Unmerging:
    """Gives duplicates their own life back."""

    def __init__(
        self,
        core: Core,
        ledger: Ledger,
        repository: DuplicateRepository,
        successors: Successors,
    ) -> None:
        self._core = core
        self._ledger = ledger
        self._repository = repository
        self._roster = Roster(core.db)
        self._agents = core.db[AGENTS.name]
        self._successors = successors

    async def unmerge(self, request_id: str, command: UnmergeCommand, caller: Caller) -> Document:
        """Make a duplicate its own master; return it afterwards.

        What is open goes on where it is. What was resolved with its master is reopened where its
        rules can, else (and where it was closed) a successor takes the matter up.

        Raises:
            NotFound, StaleVersion: as the ledger.
            Conflict: it is no duplicate, or nobody can take its work.
        """
        by = By(caller.actor_type, caller.actor_id)

        async def once(session: Session) -> Document:
            document = await self._ledger.load(request_id, session)
            check_version(document, command.expected_version)
            master_id = document["duplicates"]["master_request_id"]
            if master_id is None:
                raise Conflict(f"{request_id} is not a duplicate")
            now = to_ms(self._core.clock.now())
            after = await self._own_life(document, command.reason, by, now, session)
            master = await self._ledger.load(master_id, session)
            gone = let_go(master, request_id, by, command.reason)
            await self._ledger.append(master, [gone], session)
            await self._tell_apart(document, master_id, by, now, session)
            if _needs_successor(after):
                await self._successors.succeed(after, by, command.reason, session)
                after = await self._ledger.load(request_id, session)
            return after

        return await transact(self._core.db, once)

    async def _own_life(
        self, document: Document, reason: str, by: By, now: datetime, session: Session
    ) -> Document:
        """Unlink; work that is under way, or is again, has a holder who is charged with it."""
        rules = self._ledger.rules.of(document)
        status = document["status"]
        reopens = status == "resolved" and rules.has_edge("resolved", "in_progress")
        holder: Document | None = None
        events: list[NewEvent] = []
        if reopens or status in ("assigned", "in_progress"):
            holder = await self._holder(document, session)
            events.append(capacity_event("agent_reserved", holder, by))
        events.append(unlinked(document, holder, by, reason, now))
        if reopens:
            events.append(reopened(document, by, reason, now))
        return await self._ledger.append(document, events, session)

    async def _holder(self, document: Document, session: Session) -> Document:
        """Reserve the agent it stands with, else the department's team."""
        now = self._core.clock.now()
        agent_id = document["assignment"]["assigned_agent_id"]
        agent = await self._roster.reserve(agent_id, now, session)
        if agent is not None:
            return agent
        category = (await self._core.catalog.get()).category(document["category"])
        wanted = {"kind": "team", "active": True, "department": category.department}
        cursor = self._agents.find(wanted, {"_id": 1}, session=session).sort("agent_code", 1)
        for team in await cursor.to_list():
            if (reserved := await self._roster.reserve(team["_id"], now, session)) is not None:
                return reserved
        raise Conflict(
            f"its agent has no room for {document['request_id']}, and the department "
            f"{category.department} has no team to take it",
            department=category.department,
        )

    async def _tell_apart(
        self, document: Document, master_id: str, by: By, now: datetime, session: Session
    ) -> None:
        """The pair is never suggested or linked by rule again."""
        request_id = document["request_id"]
        fields = {
            "request_id": request_id,
            "master_request_id": master_id,
            "category": document["category"],
            "suggested_at": now,
        }
        key = suggestion_id(request_id, master_id)
        await self._repository.decide(key, fields, "refused", by.actor_id, now, session)


def _needs_successor(document: Document) -> bool:
    """Tell whether what was unlinked has ended and its rules know no way back."""
    return document["status"] in ("resolved", "closed")
