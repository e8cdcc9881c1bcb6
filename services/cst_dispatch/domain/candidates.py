"""Who fits a request now, in which order, and why the others do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import shapely

from cst_dispatch.domain.shifts import next_shift_start, on_shift
from cst_ledger.events import Document

#: Wait before another attempt when no shift starts earlier.
RETRY_AFTER = timedelta(minutes=5)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Job:
    """What of a request matters for choosing an agent."""

    zone_id: str
    lon: float | None
    lat: float | None
    priority: str
    skills: frozenset[str]

    @classmethod
    def of(cls, document: Document, skills: Collection[str]) -> Job:
        """Return the job of a request whose category needs one of ``skills``."""
        location = document["location"]
        lon, lat = location["coordinates"] if location["located"] else (None, None)
        return cls(location["zone_id"], lon, lat, document["priority"], frozenset(skills))


@dataclass(frozen=True)
class Ranking:
    """Fitting agents, best first, and how many agents each reason left out."""

    ranked: list[Document]
    excluded: dict[str, int]

    def scores(self) -> list[dict[str, Any]]:
        """Return the ranking as it is kept with the decision."""
        return [
            {
                "agent_id": agent["_id"],
                "agent_code": agent["agent_code"],
                "load_share": load_share(agent),
                "distance_m": None,
            }
            for agent in self.ranked
        ]


def rank(
    agents: Iterable[Document],
    job: Job,
    now: datetime,
    *,
    held_before: Collection[Any] = (),
) -> Ranking:
    """Rank active persons for a job: load share, then longest unassigned, then code.

    Who is among ``held_before`` (ids of agents) had it already, and is left out.
    """
    excluded: Counter[str] = Counter()
    fitting: list[Document] = []
    for agent in agents:
        had_it = agent["_id"] in held_before
        reason = "held_before" if had_it else exclusion(agent, job, now)
        if reason is None:
            fitting.append(agent)
        else:
            excluded[reason] += 1
    return Ranking(by_load(fitting), dict(sorted(excluded.items())))


def by_load(agents: Iterable[Document]) -> list[Document]:
    """Return persons in the order in which they are asked."""
    return sorted(agents, key=_order)


def exclusion(agent: Document, job: Job, now: datetime) -> str | None:
    """Return why an agent does not fit, the first reason found; None when it does."""
    if job.skills.isdisjoint(agent["skills"]):
        return "skill"
    if not _covers(agent["coverage"], job):
        return "zone"
    if any(leave["starts_at"] <= now < leave["ends_at"] for leave in agent["leave"]):
        return "leave"
    on_call = job.priority == "P1" and agent["schedule"]["on_call"]
    if not on_call and not on_shift(agent["schedule"], now):
        return "off_shift"
    return "full" if agent["open_assignments"] >= agent["capacity"] else None


def next_try(agents: Iterable[Document], job: Job, now: datetime) -> datetime:
    """Return when to try again: at the next shift of somebody who would fit, or soon."""
    soon = now + RETRY_AFTER
    starts = [
        start
        for agent in agents
        if exclusion(agent, job, now) == "off_shift"
        and (start := next_shift_start(agent["schedule"], now)) is not None
    ]
    waits_for_capacity = any(exclusion(agent, job, now) == "full" for agent in agents)
    return min(starts, default=soon) if starts and not waits_for_capacity else soon


def load_share(agent: Document) -> float:
    """Return the occupied part of a person's capacity."""
    return float(agent["open_assignments"] / agent["capacity"]) if agent["capacity"] else 1.0


def _order(agent: Document) -> tuple[float, datetime, str]:
    return load_share(agent), agent["last_assigned_at"] or _LONG_AGO, agent["agent_code"]


def _covers(coverage: dict[str, Any], job: Job) -> bool:
    if job.zone_id in coverage["zone_ids"]:
        return True
    fence = coverage.get("geo_fence")
    if fence is None or job.lon is None or job.lat is None:
        return False
    rings = fence["coordinates"]
    polygon = shapely.Polygon(rings[0], rings[1:])
    return bool(shapely.intersects_xy(polygon, job.lon, job.lat))
