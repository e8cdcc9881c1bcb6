"""When nobody is there: for each zone and what is needed in it, the hours without anybody on shift.

Agents who are alike in skills and zones are one crew, and needs that the same skills meet are one
need, so that the cost follows how different the crews are.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain, pairwise
from typing import TypeVar
from zoneinfo import ZoneInfo

from cst_dispatch.domain.shifts import DAYS, Window, leaves, pieces_until, without
from cst_ledger.events import Document

DAYS_AHEAD = 7
_NONE, _MINUTE = timedelta(), timedelta(minutes=1)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class DayGap:
    """How long nobody is there on one local day, in minutes; ``whole``: all day long."""

    day: date
    weekday: str
    minutes: float
    whole: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """When nobody covers ``zones`` for ``needs``, in each of the zones for each of the needs alike.

    ``uncovered`` has when nobody is on shift, in order; ``beyond_on_call`` what of that remains
    where who is on call counts, as for a P1.
    """

    needs: tuple[str, ...]
    skills: frozenset[str]
    zones: tuple[str, ...]
    days: tuple[DayGap, ...]
    uncovered: tuple[Window, ...]
    beyond_on_call: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class _Times:
    """Sets of times as bits of whole numbers: bit i is the time from edge i to the next edge.

    Who has what edges decides how many there are; many sets are joined and compared in no time.
    """

    edges: Sequence[datetime]

    @classmethod
    def of(cls, runs: Iterable[Window]) -> _Times:
        """Return times with the edges of ``runs``."""
        return cls(sorted({edge for run in runs for edge in run}))

    def bits(self, runs: Iterable[Window]) -> int:
        """Return the set of all times in ``runs``, whose ends are edges."""
        bits = 0
        for start, end in runs:
            first, last = bisect_left(self.edges, start), bisect_left(self.edges, end)
            bits |= (1 << last) - (1 << first)
        return bits

    def windows(self, bits: int) -> Iterator[Window]:
        """Yield a set as windows in order, which do not touch."""
        while bits:
            first = (bits & -bits).bit_length() - 1
            rest = bits + (1 << first)
            last = (rest & -rest).bit_length() - 1
            yield self.edges[first], self.edges[last]
            bits &= rest


@dataclass(frozen=True, slots=True)
class _Crew:
    """Persons with the same skills and zones: when one of them is on shift, or on call (bits)."""

    skills: frozenset[str]
    zones: frozenset[str]
    on_shift: int
    on_call: int


def gaps(
    agents: Iterable[Document],
    needed: Mapping[str, Collection[str]],
    zones: Sequence[str],
    first: date,
    timezone: str,
) -> list[Gap]:
    """Return where and when nobody is there in the 7 local days that begin with ``first``.

    Active persons count, on their shifts and not on leave, with any one of the skills and the zone
    among their own. A geo fence covers no zone as a whole, so it does not count.

    Args:
        agents: of whatever kind, teams and inactive ones are left out.
        needed: what there is to do, and the skills any one of which does for it.
        zones: where it is to be done.
        first: the first day by the city's clock.
        timezone: the city's.
    """
    days = _days(first, ZoneInfo(timezone))
    times, crews = _crews(agents, [window for _, window in days])
    found: list[Gap] = []
    for skills, needs in _alike({need: frozenset(able) for need, able in needed.items()}):
        able = [crew for crew in crews if not crew.skills.isdisjoint(skills)]
        for lacking, places in _alike(_lacking(able, zones, times)):
            uncovered, beyond = (tuple(times.windows(bits)) for bits in lacking)
            if uncovered:
                spread = tuple(_by_day(days, uncovered))
                found.append(Gap(needs, skills, places, spread, uncovered, beyond))
    return found


def _lacking(
    crews: Iterable[_Crew], zones: Sequence[str], times: _Times
) -> dict[str, tuple[int, int]]:
    """Return for each zone when nobody of its crews is on shift, and then not even on call."""
    whole = times.bits([(times.edges[0], times.edges[-1])])
    lacking = dict.fromkeys(zones, (whole, whole))
    for crew in crews:
        for zone in crew.zones & lacking.keys():
            uncovered, beyond = lacking[zone]
            uncovered &= ~crew.on_shift
            lacking[zone] = uncovered, beyond & uncovered & ~crew.on_call
    return lacking


def _days(first: date, zone: ZoneInfo) -> list[tuple[date, Window]]:
    days = [first + timedelta(days=number) for number in range(DAYS_AHEAD + 1)]
    edges = [datetime.combine(day, time.min, zone).astimezone(UTC) for day in days]
    return list(zip(days[:-1], pairwise(edges), strict=True))


def _crews(agents: Iterable[Document], days: Sequence[Window]) -> tuple[_Times, list[_Crew]]:
    """Return who there is, and the times by which their sets are told, those of ``days`` too."""
    week = days[0][0], days[-1][1]
    persons = [
        (agent, list(_on_shift(agent, week)), list(_on_call(agent, week)))
        for agent in agents
        if agent["active"] and agent["kind"] == "person"
    ]
    times = _Times.of(chain(days, *(runs for _, *both in persons for runs in both)))
    sets: dict[tuple[frozenset[str], frozenset[str]], tuple[int, int]] = {}
    for agent, on_shift, on_call in persons:
        kind = frozenset(agent["skills"]), frozenset(agent["coverage"]["zone_ids"])
        shift, call = sets.get(kind, (0, 0))
        sets[kind] = shift | times.bits(on_shift), call | times.bits(on_call)
    return times, [_Crew(*kind, *both) for kind, both in sets.items()]


def _on_shift(agent: Document, week: Window) -> Iterator[Window]:
    begin, end = week
    ahead = pieces_until(agent["schedule"], begin, end)
    clipped = ((start, min(stop, end)) for start, stop in ahead)
    return without(clipped, leaves(agent, begin))


def _on_call(agent: Document, week: Window) -> Iterator[Window]:
    return without([week] if agent["schedule"]["on_call"] else [], leaves(agent, week[0]))


def _alike(items: Mapping[str, V]) -> list[tuple[V, tuple[str, ...]]]:
    """Return each value with the keys that have it, in their order."""
    keys: dict[V, list[str]] = defaultdict(list)
    for key, value in items.items():
        keys[value].append(key)
    return [(value, tuple(same)) for value, same in keys.items()]


def _by_day(days: Iterable[tuple[date, Window]], uncovered: Sequence[Window]) -> Iterator[DayGap]:
    for day, (begin, end) in days:
        parts = (min(stop, end) - max(start, begin) for start, stop in uncovered)
        lacking = sum((part for part in parts if part > _NONE), _NONE)
        if lacking:
            whole = lacking == end - begin
            yield DayGap(day, DAYS[day.weekday()], lacking / _MINUTE, whole)
