"""Assigned work passed on: to the next candidate, to the department's team, or to a supervisor.

An assigned request is never without an assignee: where nobody else can take it, it stays.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from bson import ObjectId

from cst_city.models import Category
from cst_dispatch.domain.candidates import Job, Ranking, by_load, rank
from cst_dispatch.domain.decisions import POLICY, SUPERVISOR, TEAM, reassigned
from cst_dispatch.repository import DispatchRepository
from cst_ledger.events import By, Document
from cst_mongo.client import Session
from cst_process.core import Core
from cst_roster.roster import Roster, capacity_event


class Reassignment:
    """Passes on work that somebody has been assigned and has not begun."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ledger = core.ledger("dispatch")
        self._repository = DispatchRepository(core.db)
        self._roster = Roster(core.db)

    async def pass_on(self, request_id: str, by: By, session: Session) -> Document | None:
        """Give assigned work to the next candidate, else to the department's team.

        Nobody gets it who had it before. Work that has begun is nobody else's, and neither is that
        of a request that is held.

        Returns:
            Who has it now; None where it stays as it is.
        """
        document = await self._ledger.load(request_id, session)
        category = (await self._core.catalog.get()).categories.get(document["category"])
        if category is None or not _can_be_passed_on(document):
            return None
        job = Job.of(document, category.skills)
        agents = await self._repository.persons(category.skills, session)
        ranking = rank(agents, job, self._core.clock.now(), held_before=_holders(document))
        for agent in ranking.ranked:
            if await self._pass(document, agent, POLICY, ranking, by, session):
                return agent
        team = await self._roster.team(category.department, session)
        nobody = Ranking([], ranking.excluded)
        return team if await self._pass(document, team, TEAM, nobody, by, session) else None

    async def to_supervisor(self, request_id: str, by: By, session: Session) -> Document | None:
        """Give assigned work to a supervisor of the department, on shift or not; as ``pass_on``."""
        document = await self._ledger.load(request_id, session)
        category = (await self._core.catalog.get()).categories.get(document["category"])
        if category is None or not _can_be_passed_on(document):
            return None
        async for agent in self._supervisors(document, category, session):
            if await self._pass(document, agent, SUPERVISOR, Ranking([agent], {}), by, session):
                return agent
        return None

    async def _supervisors(
        self, document: Document, category: Category, session: Session
    ) -> AsyncIterator[Document]:
        for agent in by_load(await self._repository.supervisors(category.department, session)):
            if agent["_id"] not in _holders(document):
                yield agent

    async def _pass(
        self,
        document: Document,
        agent: Document | None,
        policy: str,
        ranking: Ranking,
        by: By,
        session: Session,
    ) -> bool:
        """Reserve, reassign and release within ``session``; False where the agent has no room."""
        held_by: ObjectId = document["assignment"]["assigned_agent_id"]
        if agent is None or agent["_id"] == held_by:
            return False
        if await self._roster.reserve(agent["_id"], self._core.clock.now(), session) is None:
            return False
        before = await self._roster.release(held_by, session)
        events = [
            capacity_event("agent_reserved", agent, by),
            reassigned(document, agent, policy, ranking, by),
            *([capacity_event("agent_released", before, by)] if before is not None else []),
        ]
        await self._ledger.append(document, events, session)
        return True


def _can_be_passed_on(document: Document) -> bool:
    return (
        document["status"] == "assigned"
        and bool(document["duplicates"]["is_master"])
        and document["workflow"]["hold"] is None
        and not document["historic"]
    )


def _holders(document: Document) -> set[ObjectId]:
    assignment = document["assignment"]
    return {assignment["assigned_agent_id"], *assignment["past_agent_ids"]}
