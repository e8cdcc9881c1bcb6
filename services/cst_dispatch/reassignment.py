"""Work passed on: to the next candidate, to the department's team, or to a supervisor.

Its status stays. Nobody gets it who had it before, and it is never without an assignee: where
nobody else can take it, it stays where it is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from bson import ObjectId

from cst_city.models import Category
from cst_dispatch.choosing import Chooser
from cst_dispatch.domain.candidates import Ranking, in_order
from cst_dispatch.domain.decisions import (
    POLICY,
    SUPERVISOR,
    TEAM,
    Cause,
    holders,
    reassigned,
)
from cst_dispatch.repository import WORK, DispatchRepository
from cst_ledger.events import By, Document
from cst_mongo.client import Session
from cst_process.core import Core
from cst_roster.roster import Roster, capacity_event


class Reassignment:
    """Passes on work that somebody has."""

    def __init__(self, core: Core, chooser: Chooser | None = None) -> None:
        self._core = core
        self._ledger = core.ledger("dispatch")
        self._repository = DispatchRepository(core.db)
        self._chooser = chooser or Chooser(core)
        self._roster = Roster(core.db)

    async def pass_on(
        self,
        request_id: str,
        by: By,
        session: Session,
        cause: Cause = "escalated",
        held_by: ObjectId | None = None,
    ) -> Document | None:
        """Give work that has not begun to the next candidate, else to the department's team.

        Who does not work for the city any more (``deactivated``) passes on what has begun, and what
        is held, too. With ``held_by``, only as long as it is theirs.

        Returns:
            Who has it now; None where it stays as it is.
        """
        document = await self._ledger.load(request_id, session)
        category = await self._chooser.category(document)
        if held_by not in (None, document["assignment"]["assigned_agent_id"]):
            return None
        if not _can_be_passed_on(document, cause):
            return None
        ranking = await self._chooser.rank(document, session, holders(document))
        for agent in ranking.ranked:
            if await self.hand_over(document, agent, ranking, by, session, POLICY, cause):
                return agent
        team = await self._team(document, category, session)
        nobody = Ranking([], ranking.excluded)
        passed = team and await self.hand_over(document, team, nobody, by, session, TEAM, cause)
        return team if passed else None

    async def _team(
        self, document: Document, category: Category | None, session: Session
    ) -> Document | None:
        """The team of the category's department; where that is no more, of the agent's."""
        if category is not None:
            return await self._roster.team(category.department, session)
        holder = await self._roster.find(document["assignment"]["assigned_agent_id"], session)
        return await self._roster.team(holder["department"], session) if holder else None

    async def to_supervisor(
        self, request_id: str, by: By, session: Session, cause: Cause = "escalated"
    ) -> Document | None:
        """Give assigned work to a supervisor of the department, on shift or not; as ``pass_on``."""
        document = await self._ledger.load(request_id, session)
        category = await self._chooser.category(document)
        if category is None or not _can_be_passed_on(document, cause):
            return None
        async for agent in self._supervisors(document, category, session):
            alone = Ranking([agent], {})
            if await self.hand_over(document, agent, alone, by, session, SUPERVISOR, cause):
                return agent
        return None

    async def _supervisors(
        self, document: Document, category: Category, session: Session
    ) -> AsyncIterator[Document]:
        for agent in in_order(await self._repository.supervisors(category.department, session)):
            if agent["_id"] not in holders(document):
                yield agent

    async def hand_over(
        self,
        document: Document,
        agent: Document,
        ranking: Ranking,
        by: By,
        session: Session,
        policy: str,
        cause: Cause,
        overridden: Sequence[str] = (),
        reason: str | None = None,
    ) -> bool:
        """Reserve, reassign and release within ``session``; False where the agent has no room."""
        held_by: ObjectId = document["assignment"]["assigned_agent_id"]
        now, place = self._core.clock.now(), ranking.place
        if agent["_id"] == held_by:
            return False
        if await self._roster.reserve(agent["_id"], now, session, place) is None:
            return False
        before = await self._roster.release(held_by, session)
        passed = reassigned(
            document,
            agent,
            ranking,
            by,
            now,
            policy=policy,
            cause=cause,
            overridden=overridden,
            reason=reason,
        )
        events = [
            capacity_event("agent_reserved", agent, by),
            passed,
            *([capacity_event("agent_released", before, by)] if before is not None else []),
        ]
        await self._ledger.append(document, events, session)
        return True


def _can_be_passed_on(document: Document, cause: Cause) -> bool:
    if not document["duplicates"]["is_master"] or document["historic"]:
        return False
    if cause == "deactivated":
        return document["status"] in WORK
    return document["status"] == "assigned" and document["workflow"]["hold"] is None
