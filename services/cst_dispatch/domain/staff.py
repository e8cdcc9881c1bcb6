"""The city's active persons in memory: who could take a job now, without asking for each of them.

What is here changes with the roster only (skills, coverage, shifts, leave); how much somebody has
to do is not. What was worked out is kept until the next shift or leave begins or ends, so that a
decision costs the same among fifty persons as among thousands.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import shapely
from bson import ObjectId

from cst_dispatch.domain.candidates import (
    LEAVE,
    OFF_SHIFT,
    SKILL,
    ZONE,
    Job,
    fence_of,
)
from cst_dispatch.domain.shifts import next_change, next_start, on_leave, works
from cst_ledger.events import Document


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand from ``since`` until before ``until`` (None: for good).

    ``reason`` says why somebody is away, None while they work; ``back_at`` when they are there.
    """

    since: datetime
    until: datetime | None
    reason: str | None
    back_at: datetime | None

    def holds(self, now: datetime) -> bool:
        return self.since <= now and (self.until is None or now < self.until)


class Timetable:
    """Shifts and leave, shared by all who have the same ones."""

    def __init__(self, agent: Document) -> None:
        self._times = {"schedule": agent["schedule"], "leave": agent["leave"]}
        self._known: dict[bool, Standing] = {}

    def standing(self, now: datetime, *, on_call: bool) -> Standing:
        """Return how things stand at ``now``; ``on_call`` where that counts as working."""
        known = self._known.get(on_call)
        if known is None or not known.holds(now):
            known = self._known[on_call] = self._look(now, on_call)
        return known

    def _look(self, now: datetime, on_call: bool) -> Standing:
        edges = [leave[edge] for leave in self._times["leave"] for edge in ("starts_at", "ends_at")]
        changes = [at for at in edges if at > now]
        changed = next_change(self._times, now, on_call=on_call)
        until = min([*changes, *([changed] if changed else [])], default=None)
        if works(self._times, now, on_call=on_call):
            return Standing(now, until, None, None)
        reason = LEAVE if on_leave(self._times, now) else OFF_SHIFT
        return Standing(now, until, reason, next_start(self._times, now, on_call=on_call))


@dataclass(frozen=True, slots=True)
class Member:
    """A person, as far as the roster goes."""

    agent_id: ObjectId
    skills: frozenset[str]
    zone_ids: frozenset[str]
    fence: shapely.Polygon | None
    timetable: Timetable


@dataclass(frozen=True, slots=True)
class Free:
    """Who could take a job now if they have room, and how many could not for what reason."""

    ids: frozenset[ObjectId]
    excluded: Mapping[str, int]
    next_start: datetime | None


@dataclass(frozen=True, slots=True)
class _Group:
    """Those with a skill: by timetable who covers a zone, and who may by their fence."""

    covering: Mapping[Timetable, Sequence[ObjectId]]
    fenced: Sequence[Member]
    skilled: int


class Staff:
    """The active persons; ``put`` keeps them up to date."""

    def __init__(self) -> None:
        self._members: dict[ObjectId, Member] = {}
        self._timetables: dict[bytes, Timetable] = {}
        self._groups: dict[tuple[frozenset[str], str], _Group] = {}

    def put(self, agents: Iterable[Document]) -> None:
        """Take in agents as they stand now; who is no active person any more is left out."""
        for agent in agents:
            self._members.pop(agent["_id"], None)
            if agent["active"] and agent["kind"] == "person":
                self._members[agent["_id"]] = self._member(agent)
        self._groups.clear()

    def _member(self, agent: Document) -> Member:
        fence = fence_of(agent["coverage"])
        if fence is not None:
            shapely.prepare(fence)
        return Member(
            agent["_id"],
            frozenset(agent["skills"]),
            frozenset(agent["coverage"]["zone_ids"]),
            fence,
            self._timetable(agent),
        )

    def _timetable(self, agent: Document) -> Timetable:
        times = [(leave["starts_at"], leave["ends_at"]) for leave in agent["leave"]]
        key = orjson.dumps([agent["schedule"], times], option=orjson.OPT_SORT_KEYS)
        return self._timetables.setdefault(key, Timetable(agent))

    def free(self, job: Job, now: datetime) -> Free:
        """Return who could take ``job`` at ``now``."""
        group = self._group(job.skills, job.zone_id)
        inside = _inside(group.fenced, job)
        covering = sum(map(len, group.covering.values())) + len(inside)
        excluded = Counter(
            {SKILL: len(self._members) - group.skilled, ZONE: group.skilled - covering}
        )
        ids: list[ObjectId] = []
        starts: list[datetime] = []
        for timetable, members in [*group.covering.items(), *_by_timetable(inside).items()]:
            standing = timetable.standing(now, on_call=job.on_call)
            if standing.reason is None:
                ids += members
                continue
            excluded[standing.reason] += len(members)
            if standing.back_at is not None:
                starts.append(standing.back_at)
        return Free(frozenset(ids), dict(+excluded), min(starts, default=None))

    def could_take(self, agent_id: ObjectId, job: Job, now: datetime) -> bool:
        """Tell whether somebody could take ``job`` at ``now``, as far as the roster goes."""
        member = self._members.get(agent_id)
        return (
            member is not None
            and not job.skills.isdisjoint(member.skills)
            and (job.zone_id in member.zone_ids or bool(_inside([member], job)))
            and member.timetable.standing(now, on_call=job.on_call).reason is None
        )

    def _group(self, skills: frozenset[str], zone_id: str) -> _Group:
        key = (skills, zone_id)
        if key not in self._groups:
            self._groups[key] = self._grouped(skills, zone_id)
        return self._groups[key]

    def _grouped(self, skills: frozenset[str], zone_id: str) -> _Group:
        skilled = [m for m in self._members.values() if not skills.isdisjoint(m.skills)]
        covering = [member for member in skilled if zone_id in member.zone_ids]
        fenced = [m for m in skilled if m.fence is not None and zone_id not in m.zone_ids]
        return _Group(_by_timetable(covering), fenced, len(skilled))


def _by_timetable(members: Iterable[Member]) -> dict[Timetable, list[ObjectId]]:
    found: dict[Timetable, list[ObjectId]] = defaultdict(list)
    for member in members:
        found[member.timetable].append(member.agent_id)
    return dict(found)


def _inside(fenced: Sequence[Member], job: Job) -> list[Member]:
    """Return those whose fence the job is in."""
    if not fenced or job.place is None:
        return []
    fences: Any = [member.fence for member in fenced]
    hits = shapely.intersects_xy(fences, *job.place)
    return [member for member, hit in zip(fenced, hits, strict=True) if hit]
