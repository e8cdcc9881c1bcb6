"""Agents as documents: add, find, list."""

from __future__ import annotations

from typing import Any

from bson import ObjectId
from pydantic import ValidationError
from pymongo.errors import DuplicateKeyError

from cst_city.catalog import Catalog
from cst_city.checks import overlaps
from cst_city.models import AgentSeed
from cst_contracts.agents import CreateAgent
from cst_core.errors import Conflict, InvalidInput, NotFound
from cst_dispatch.repository import DispatchRepository
from cst_ledger.events import Document
from cst_process.core import Core


class AgentService:
    """Keeps the city's agents."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._repository = DispatchRepository(core.db)

    async def add(self, command: CreateAgent) -> Document:
        """Add an agent.

        Raises:
            InvalidInput: names every field that is wrong (unknown zone, skill or department, bad
                time zone, overlapping shifts, a person without capacity, …).
            Conflict: the code is taken.
        """
        catalog = await self._core.catalog.get()
        seed = _checked(command, catalog)
        agent: dict[str, Any] = {
            **seed.model_dump(),
            "_id": ObjectId(),
            "created_at": self._core.clock.now(),
            "open_assignments": 0,
            "last_assigned_at": None,
            "position": None,
            "leave": [],
        }
        try:
            await self._repository.add_agent(agent)
        except DuplicateKeyError:
            raise Conflict(f"agent_code {seed.agent_code!r} is taken") from None
        return agent

    async def get(self, agent_id: str) -> Document:
        """Return an agent; ``NotFound`` where there is none."""
        agent = await self._repository.agent(ObjectId(agent_id))
        if agent is None:
            raise NotFound(f"no agent {agent_id}", agent_id=agent_id)
        return agent

    async def page(
        self, wanted: dict[str, Any], after: str | None, limit: int
    ) -> tuple[list[Document], str | None]:
        """Return a page of agents by code, and the code to go on after (None on the last page)."""
        found = await self._repository.agents(wanted, after, limit + 1)
        page = found[:limit]
        return page, page[-1]["agent_code"] if len(found) > limit else None


def agent_view(agent: Document) -> dict[str, Any]:
    """Return an agent as ``ServiceAgent`` reads it."""
    return {**agent, "id": str(agent["_id"])}


def _checked(command: CreateAgent, catalog: Catalog) -> AgentSeed:
    try:
        seed = AgentSeed.model_validate(command.model_dump())
    except ValidationError as error:
        problems = [
            _problem(".".join(map(str, e["loc"])), e["msg"], e["input"])
            for e in error.errors(include_url=False, include_context=False)
        ]
        raise _refusal(problems) from None
    problems = [*_unknown(seed, catalog), *_overlaps(seed)]
    if problems:
        raise _refusal(problems)
    return seed


def _problem(
    field: str, message: str, value: Any, allowed: list[str] | None = None
) -> dict[str, Any]:
    shown = value if isinstance(value, str | int | float | None) else repr(value)[:200]
    problem = {"field": field or "body", "message": message, "value": shown}
    return problem | ({"allowed": allowed} if allowed else {})


def _refusal(problems: list[dict[str, Any]]) -> InvalidInput:
    return InvalidInput("; ".join(f"{p['field']}: {p['message']}" for p in problems), problems)


def _unknown(seed: AgentSeed, catalog: Catalog) -> list[dict[str, Any]]:
    skills = sorted({skill for c in catalog.categories.values() for skill in c.skills})
    zones, departments = list(catalog.zone_names), list(catalog.city.departments)
    given = [
        *(("coverage.zone_ids", zone, zones) for zone in seed.coverage.zone_ids),
        *(("skills", skill, skills) for skill in seed.skills),
        ("department", seed.department, departments),
    ]
    return [
        _problem(field, "is not known in this city", value, allowed)
        for field, value, allowed in given
        if value not in allowed
    ]


def _overlaps(seed: AgentSeed) -> list[dict[str, Any]]:
    shifts = seed.schedule.shifts
    return [
        _problem(f"schedule.shifts.{position}", message, shifts[position].start)
        for position, message in overlaps(shifts)
    ]
