"""Who fits a request now, in which order, and why the others do not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import shapely

from cst_dispatch.domain.shifts import on_leave, works
from cst_geo import haversine_m
from cst_ledger.events import Document

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
#: Why somebody is left out, in the order in which it is looked at.
SKILL, ZONE, LEAVE, OFF_SHIFT, FULL = "skill", "zone", "leave", "off_shift", "full"
#: Who had it before, and who is wanted by something that comes first.
HELD_BEFORE, OUTRANKED = "held_before", "outranked"


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

    @property
    def place(self) -> tuple[float, float] | None:
        """[lon, lat], where it is known."""
        return None if self.lon is None or self.lat is None else (self.lon, self.lat)

    @property
    def on_call(self) -> bool:
        """Whether somebody on call may be asked outside the shifts."""
        return self.priority == "P1"


@dataclass(frozen=True)
class Ranking:
    """Fitting agents with room, best first, and how many agents each reason left out.

    ``next_start`` is when the next of those who are away now will be there.
    """

    ranked: list[Document]
    excluded: dict[str, int]
    next_start: datetime | None = None
    place: tuple[float, float] | None = field(default=None)

    def scores(self) -> list[dict[str, Any]]:
        """Return the ranking as it is kept with the decision."""
        return [
            {
                "agent_id": agent["_id"],
                "agent_code": agent["agent_code"],
                "load_share": load_share(agent),
                "distance_m": _rounded(distance_to(agent, self.place)),
            }
            for agent in self.ranked
        ]


def in_order(
    agents: Iterable[Document], place: tuple[float, float] | None = None
) -> list[Document]:
    """Return persons in the order in which they are asked.

    The least loaded come first, then who is nearest to ``place`` (as far as that is known), then
    who has had nothing for longest, then by code.
    """
    return sorted(agents, key=lambda agent: _order(agent, place))


def objections(agent: Document, job: Job, now: datetime) -> Iterator[str]:
    """Yield each reason for which an agent does not fit now, full or not."""
    if job.skills.isdisjoint(agent["skills"]):
        yield SKILL
    if not covers(agent["coverage"], job):
        yield ZONE
    if on_leave(agent, now):
        yield LEAVE
    elif not works(agent, now, on_call=job.on_call):
        yield OFF_SHIFT


def exclusion(agent: Document, job: Job, now: datetime) -> str | None:
    """Return why an agent is left out, the first reason found; None where it is not."""
    full = FULL if agent["open_assignments"] >= agent["capacity"] else None
    return next(objections(agent, job, now), full)


def load_share(agent: Document) -> float:
    """Return the occupied part of a person's capacity."""
    return float(agent["open_assignments"] / agent["capacity"]) if agent["capacity"] else 1.0


def distance_to(agent: Document, place: Sequence[float] | None) -> float | None:
    """Return how many metres it is from an agent's last work to a place; None: nobody knows."""
    at = agent.get("position")
    return None if at is None or place is None else haversine_m(at[0], at[1], place[0], place[1])


def _rounded(metres: float | None) -> float | None:
    return None if metres is None else round(metres, 1)


def _order(
    agent: Document, place: tuple[float, float] | None
) -> tuple[float, float, datetime, str]:
    metres = distance_to(agent, place)
    return (
        load_share(agent),
        float("inf") if metres is None else metres,
        agent["last_assigned_at"] or _LONG_AGO,
        agent["agent_code"],
    )


def covers(coverage: Document, job: Job) -> bool:
    """Tell whether a job is in one of an agent's zones, or inside their fence."""
    if job.zone_id in coverage["zone_ids"]:
        return True
    fence = fence_of(coverage)
    return (
        fence is not None
        and job.place is not None
        and bool(shapely.intersects_xy(fence, *job.place))
    )


def fence_of(coverage: Document) -> shapely.Polygon | None:
    """Return an agent's fence as a polygon, where there is one."""
    fence = coverage.get("geo_fence")
    if fence is None:
        return None
    rings = fence["coordinates"]
    return shapely.Polygon(rings[0], rings[1:])
