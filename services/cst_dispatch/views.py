"""What staff and agents see of dispatch: worklists, loads, and gaps in the coverage."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bson import ObjectId

from cst_city.catalog import Catalog
from cst_contracts.enums import UNKNOWN_ZONE
from cst_core.errors import Forbidden, InvalidInput, NotFound
from cst_core.paging import read_place, write_place
from cst_dispatch.domain.coverage import DAYS_AHEAD, Gap, gaps
from cst_dispatch.domain.loads import Staff, agent_load, by_skill, staff_by
from cst_dispatch.views_repository import ViewsRepository
from cst_http.tokens import Caller
from cst_ledger.events import Document
from cst_process.core import Core


class DispatchViews:
    """Reads what dispatch knows; changes nothing."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._repository = ViewsRepository(core.db)

    async def worklist(
        self, agent_id: str, caller: Caller, cursor: str | None, limit: int
    ) -> tuple[list[Document], str | None]:
        """Return a page of an agent's open work by due time, and the cursor of the next one.

        Raises:
            Forbidden: an agent asks for another's. A token names their code as its subject.
            NotFound: no such agent.
            InvalidInput: the cursor is not one of ours.
        """
        after = None if cursor is None else read_place(cursor)
        oid = ObjectId(agent_id)
        agent = await self._repository.agent(oid)
        if not caller.is_staff and (agent is None or agent["agent_code"] != caller.subject):
            raise Forbidden("agents see their own work only")
        if agent is None:
            raise NotFound(f"no agent {agent_id}", agent_id=agent_id)
        found = await self._repository.worklist(oid, after, limit + 1)
        page = found[:limit]
        more = len(found) > limit
        return page, write_place(page[-1]["place"], page[-1]["request_id"]) if more else None

    async def load_by_agent(
        self, after: str | None, limit: int
    ) -> tuple[list[Document], str | None]:
        """Return the loads of a page of active agents by code, and the code to go on after."""
        now = self._core.clock.now()
        found = await self._repository.agents(after, limit + 1)
        page = [agent_load(agent, now) for agent in found[:limit]]
        return page, page[-1]["agent_code"] if len(found) > limit else None

    async def load_by_zone(self) -> list[Document]:
        """Return the load of each zone of the city, of ``UNKNOWN``, and wherever else is work."""
        names = (await self._core.catalog.get()).zone_names
        persons = await self._repository.persons()
        staff = staff_by(persons, lambda a: a["coverage"]["zone_ids"], self._core.clock.now())
        work = await self._repository.open_work("location.zone_id")
        waiting = await self._repository.waiting("zone_id")
        zones = dict.fromkeys([*names, UNKNOWN_ZONE, *sorted({*staff, *work, *waiting})])
        return [
            {"zone_id": zone, "name": names.get(zone), **_load(zone, staff, work, waiting)}
            for zone in zones
        ]

    async def load_by_skill(self) -> list[Document]:
        """Return the load of each skill that a category needs, or that an active person has."""
        needed = _needed(await self._core.catalog.get())
        persons = await self._repository.persons()
        staff = staff_by(persons, lambda agent: agent["skills"], self._core.clock.now())
        work = by_skill(await self._repository.open_work("category"), needed)
        waiting = await self._repository.waiting("skills")
        skills = sorted({*staff, *work, *waiting, *(s for some in needed.values() for s in some)})
        return [{"skill": skill, **_load(skill, staff, work, waiting)} for skill in skills]

    async def coverage_gaps(
        self, skill: str | None, category: str | None, zone_id: str | None
    ) -> tuple[date, str, list[Gap]]:
        """Return the gaps of the 7 days that begin with today, that day, and the time zone.

        With ``skill``, of those who have it; with ``category``, of those who can do its work.

        Raises:
            InvalidInput: the city does not know it, or the category does not need the skill.
        """
        catalog = await self._core.catalog.get()
        needed = _asked_for(catalog, skill, category)
        zones = _zones(catalog, zone_id)
        timezone = catalog.city.timezone
        today = self._core.clock.now().astimezone(ZoneInfo(timezone)).date()
        persons = await self._repository.persons()
        return (
            today,
            timezone,
            await asyncio.to_thread(gaps, persons, needed, zones, today, timezone),
        )


def last_day(first: date) -> date:
    """Return the last of the days that begin with ``first``."""
    return first + timedelta(days=DAYS_AHEAD - 1)


def _load(
    key: str, staff: Mapping[str, Staff], work: Mapping[str, int], waiting: Mapping[str, int]
) -> dict[str, Any]:
    counts = {"open_work": work.get(key, 0), "waiting": waiting.get(key, 0)}
    return {**asdict(staff.get(key) or Staff()), **counts}


def _needed(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    return {code: category.skills for code, category in catalog.categories.items()}


def _asked_for(
    catalog: Catalog, skill: str | None, category: str | None
) -> Mapping[str, Collection[str]]:
    """Return the categories in question with the skills in question."""
    needed = _needed(catalog)
    if category is not None:
        needed = {category: catalog.category(category).skills}
    if skill is None:
        return needed
    allowed = sorted({name for names in needed.values() for name in names})
    if skill not in allowed:
        wanted = "any category" if category is None else category
        raise InvalidInput.field("skill", f"is not a skill for {wanted}", skill, allowed)
    return {code: (skill,) for code, skills in needed.items() if skill in skills}


def _zones(catalog: Catalog, zone_id: str | None) -> list[str]:
    zones = [*catalog.zone_names, UNKNOWN_ZONE]
    if zone_id is None:
        return zones
    if zone_id not in zones:
        raise InvalidInput.field("zone_id", "is not a zone of this city", zone_id, zones)
    return [zone_id]
