"""How much everybody has to do, and who is there for it: sums over agents, zones and skills."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cst_dispatch.domain.shifts import on_leave, works
from cst_ledger.events import Document


@dataclass(slots=True)
class Staff:
    """Active persons, how many of them work now, and how much more those can take."""

    persons: int = 0
    working: int = 0
    free_capacity: int = 0


def staff_by(
    agents: Iterable[Document], keys: Callable[[Document], Iterable[str]], now: datetime
) -> dict[str, Staff]:
    """Sum up persons at ``now``, each one under all of their ``keys``, such as their zones."""
    sums: dict[str, Staff] = defaultdict(Staff)
    for agent in agents:
        there = works(agent, now, on_call=False)
        free = max(agent["capacity"] - agent["open_assignments"], 0) if there else 0
        for key in set(keys(agent)):
            staff = sums[key]
            staff.persons += 1
            staff.working += there
            staff.free_capacity += free
    return dict(sums)


def by_skill(work: Mapping[str, int], skills: Mapping[str, Collection[str]]) -> dict[str, int]:
    """Return how much work each skill does for, from the work of each category.

    A category that the city does not have any more is left out.
    """
    sums: Counter[str] = Counter()
    for category, count in work.items():
        for skill in skills.get(category, ()):
            sums[skill] += count
    return dict(sums)


def agent_load(agent: Document, now: datetime) -> Document:
    """Return an agent as ``AgentLoad`` reads it, at ``now``."""
    capacity = agent["capacity"]
    return {
        **agent,
        "agent_id": str(agent["_id"]),
        "share": agent["open_assignments"] / capacity if capacity else None,
        "on_shift": works(agent, now, on_call=False),
        "on_leave": on_leave(agent, now),
    }
