"""The choice: who could take a request now, best first, and why the others do not."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from bson import ObjectId

from cst_city.models import Category
from cst_dispatch.domain.candidates import (
    FULL,
    HELD_BEFORE,
    Job,
    Ranking,
    exclusion,
    in_order,
)
from cst_dispatch.domain.staff import Staff
from cst_dispatch.repository import LOOKED_AT, DispatchRepository
from cst_ledger.events import Document
from cst_mongo.client import Session
from cst_process.core import Core


class Chooser:
    """Ranks agents for requests; keeps the roster in memory."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._repository = DispatchRepository(core.db)
        self._staff = Staff()
        self._roster_number: int | None = None

    async def staff(self, session: Session | None) -> Staff:
        """Return the roster as the session sees it, or newer.

        Where it is newer, an agent that was changed since cannot be reserved in the session: it
        conflicts, and is repeated.
        """
        changed = await self._repository.changed_since(self._roster_number, session)
        if changed:
            self._staff.put(changed)
            newest = max(agent.get("roster_number", 0) for agent in changed)
            self._roster_number = max(newest, self._roster_number or 0)
        return self._staff

    async def category(self, document: Document) -> Category | None:
        """Return the category of a request; None where the city has it no more."""
        return (await self._core.catalog.get()).categories.get(document["category"])

    async def job(self, document: Document) -> Job:
        """Return the job of a request; of a category that is no more nobody has the skill."""
        category = await self.category(document)
        return Job.of(document, category.skills if category else ())

    async def rank(
        self, document: Document, session: Session, held_before: Collection[ObjectId] = ()
    ) -> Ranking:
        """Rank active persons for a request; who is among ``held_before`` had it already."""
        job = await self.job(document)
        free = (await self.staff(session)).free(job, self._core.clock.now())
        asked = free.ids.difference(held_before)
        found = await self._repository.with_room(asked, job.skills, session)
        excluded = dict(free.excluded)
        if len(asked) < len(free.ids):
            excluded[HELD_BEFORE] = len(free.ids) - len(asked)
        # Where as many have room as are looked at, nobody has counted those who have none.
        if len(found) < min(LOOKED_AT, len(asked)):
            excluded[FULL] = len(asked) - len(found)
        ranked = in_order(found, job.place)
        return Ranking(ranked, dict(sorted(excluded.items())), free.next_start, job.place)

    async def exclusions(
        self, document: Document, session: Session, held_before: Collection[ObjectId] = ()
    ) -> list[tuple[Document, str]]:
        """Return everybody with the skill who is left out, by code, each with the reason."""
        job, now = await self.job(document), self._core.clock.now()
        persons = await self._repository.persons(job.skills, session)
        reasons = [(agent, _reason(agent, job, now, held_before)) for agent in persons]
        return [(agent, reason) for agent, reason in reasons if reason is not None]


def _reason(
    agent: Document, job: Job, now: datetime, held_before: Collection[ObjectId]
) -> str | None:
    return HELD_BEFORE if agent["_id"] in held_before else exclusion(agent, job, now)
