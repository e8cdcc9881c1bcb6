"""Dispatch's use cases: assigning, and waiting when nobody fits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from cst_contracts.agents import AssignmentDecision
from cst_contracts.events import CandidateScore
from cst_core.errors import Conflict
from cst_dispatch.domain.candidates import Job, Ranking, next_try, rank
from cst_dispatch.domain.decisions import DISPATCH, KEPT, assigned, deferred
from cst_dispatch.repository import DispatchRepository
from cst_ledger.events import By, Document
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_process.looping import repeat
from cst_roster.roster import Roster, capacity_event

#: Pause between looks at the queue, in wall seconds, and how many it takes at a time.
QUEUE_PAUSE_S = 1.0
QUEUE_BATCH = 50


@dataclass(frozen=True)
class Decision:
    """What dispatch did with a request; ``agent`` is None when it waits until ``next_try_at``."""

    ranking: Ranking
    agent: Document | None
    next_try_at: datetime | None


class DispatchService:
    """Assigns triaged requests to agents."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ledger = core.ledger("dispatch")
        self._repository = DispatchRepository(core.db)
        self._roster = Roster(core.db)

    async def assign(self, request_id: str, session: Session, by: By = DISPATCH) -> Decision | None:
        """Reserve the best agent and assign, or defer; None when the request is not to assign.

        Within ``session``: the reservation, the step and the queue change together or not at all.
        """
        document = await self._ledger.load(request_id, session)
        if not _is_to_assign(document):
            await self._repository.leave(request_id, session)
            return None
        category = (await self._core.catalog.get()).category(document["category"])
        job = Job.of(document, category.skills)
        agents = await self._repository.persons(category.skills, session)
        now = self._core.clock.now()
        ranking = rank(agents, job, now)
        for agent in ranking.ranked:
            if await self._roster.reserve(agent["_id"], now, session) is None:
                continue
            events = [capacity_event("agent_reserved", agent, by), assigned(agent, ranking, by)]
            await self._ledger.append(document, events, session)
            await self._repository.leave(request_id, session)
            return Decision(ranking, agent, None)
        next_try_at = next_try(agents, job, now)
        await self._defer(document, ranking, next_try_at, by, session)
        return Decision(ranking, None, next_try_at)

    async def _defer(
        self, document: Document, ranking: Ranking, at: datetime, by: By, session: Session
    ) -> None:
        """Say once that the request waits; later attempts only move the next one."""
        if await self._repository.waiting(document["request_id"], session) is None:
            await self._ledger.append(document, [deferred(ranking, at, by)], session)
        await self._repository.wait(document, at, session)

    async def assign_on_demand(self, request_id: str, by: By) -> AssignmentDecision:
        """Assign now, for staff.

        Raises:
            NotFound: no such request.
            Conflict: it is not waiting for an assignment.
        """

        async def once(session: Session) -> Decision | None:
            return await self.assign(request_id, session, by)

        decision = await transact(self._core.db, once)
        if decision is None:
            document = await self._ledger.load(request_id)
            raise Conflict(f"{request_id} {_why_not(document)}", current_state=document["status"])
        return _answer(request_id, decision)

    async def run_queue(self, stop: asyncio.Event) -> None:
        """Try waiting requests again when their time has come, until ``stop`` is set."""

        async def work() -> bool:
            for request_id in await self._repository.due(self._core.clock.now(), QUEUE_BATCH):
                await self._retry(request_id)
            return False

        await repeat("queue", work, stop, pause_s=QUEUE_PAUSE_S)

    async def _retry(self, request_id: str) -> None:
        async def once(session: Session) -> Decision | None:
            return await self.assign(request_id, session)

        await transact(self._core.db, once)


def _is_to_assign(document: Document) -> bool:
    return (
        document["status"] == "triaged"
        and not document["historic"]
        and bool(document["duplicates"]["is_master"])
        and document["workflow"]["hold"] is None
    )


def _why_not(document: Document) -> str:
    """Say why a request is not to assign."""
    hold, master = document["workflow"]["hold"], document["duplicates"]["master_request_id"]
    if master is not None:
        return f"is a duplicate of {master}, which is assigned for both"
    if hold is not None:
        return f"is held ({hold['reason']}): resume it first"
    if document["status"] == "triaged":
        return "is history from elsewhere, which is not assigned by rule"
    return f"is {document['status']}; only triaged requests are assigned"


def _answer(request_id: str, decision: Decision) -> AssignmentDecision:
    agent = decision.agent
    scores = decision.ranking.scores()[:KEPT]
    return AssignmentDecision(
        request_id=request_id,
        outcome="assigned" if agent else "deferred",
        agent_id=str(agent["_id"]) if agent else None,
        agent_code=agent["agent_code"] if agent else None,
        candidates=[
            CandidateScore.model_validate({**s, "agent_id": str(s["agent_id"])}) for s in scores
        ],
        excluded=decision.ranking.excluded,
        next_try_at=decision.next_try_at,
    )
