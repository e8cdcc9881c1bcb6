"""A simulated surge: the same storm worked off with greedy dispatch, and with batch mode.

Events in order of time: a request comes, a crew finishes a job, and in batch mode the tick. Crews
work through their worklists by due time, as the product shows them, and travel from job to job.
Both modes see the same arrivals, the same work and the same persons who fit.

A place that gets free is filled at once in greedy mode. In batch mode it waits for the tick, unless
it could go to a P1: by the tick its crew would be at another job, which costs a P1 an hour.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count

from cst_dispatch.domain.batch import Crew, plan
from cst_dispatch.domain.travel import SPEED_KMH, distances_km
from cst_testkit.storm import START, Storm

#: Batch mode plans so often, while more than so many wait; else it works as greedy does.
TICK = timedelta(minutes=5)
THRESHOLD = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a mode came to: sums over all crews and all requests."""

    travel_km: float
    lateness_hours: float
    done: int
    late: int
    longest_wait_hours: float
    plans: int


@dataclass(eq=False)
class _Person:
    """A crew at work; places are numbers of ``_Surge.km``."""

    number: int
    code: str
    capacity: int
    place: int
    last_given: int
    last_assigned_at: datetime = START - timedelta(days=1)
    held: int = 0
    busy: bool = False
    worklist: list[tuple[datetime, int]] = field(default_factory=list)


def simulate(storm: Storm, *, batch: bool, tick: timedelta = TICK) -> Outcome:
    """Work off a storm to its last request, greedily or in batch mode, and sum up."""
    surge = _Surge(storm, batch, tick)
    surge.run()
    return surge.outcome()


class _Surge:
    """The state of one simulation, and what happens at each event."""

    def __init__(self, storm: Storm, batch: bool, tick: timedelta) -> None:
        self._damages, self._batch, self._tick = storm.damages, batch, tick
        self._fits = storm.fits()
        self._points = [d.point for d in storm.damages] + [p.home for p in storm.staff]
        self._km = distances_km(self._points, self._points)
        self._people = [
            _Person(n, p.code, p.capacity, (home := len(storm.damages) + n), home)
            for n, p in enumerate(storm.staff)
        ]
        self._waiting: dict[int, None] = {}
        self._finished: dict[int, datetime] = {}
        self._travelled, self._plans = 0.0, 0
        self._events: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._order = count()

    def run(self) -> None:
        """Let everything happen, in order of time."""
        for number, damage in enumerate(self._damages):
            self._at(damage.request.created_at, partial(self._come, number))
        if self._batch:
            self._at(START + self._tick, self._on_tick)
        while self._events:
            now, _, happen = heapq.heappop(self._events)
            happen(now)

    def outcome(self) -> Outcome:
        """Sum up what happened."""
        hour = timedelta(hours=1)
        ends = [(self._damages[n], at) for n, at in self._finished.items()]
        late = [(at - d.due_at) / hour for d, at in ends if at > d.due_at]
        return Outcome(
            travel_km=self._travelled,
            lateness_hours=sum(late),
            done=len(ends),
            late=len(late),
            longest_wait_hours=max((at - d.request.created_at) / hour for d, at in ends),
            plans=self._plans,
        )

    def _at(self, time: datetime, happen: Callable[[datetime], None]) -> None:
        heapq.heappush(self._events, (time, next(self._order), happen))

    def _surging(self) -> bool:
        return self._batch and len(self._waiting) > THRESHOLD

    def _come(self, number: int, now: datetime) -> None:
        """A request comes: the best crew takes it, or it waits."""
        if self._surging() or not self._give_to_best(number, now):
            self._waiting[number] = None

    def _done(self, person: _Person, number: int, now: datetime) -> None:
        """A job is done: the next one begins, and somebody who waits gets the place."""
        self._finished[number] = now
        person.held -= 1
        person.busy = False
        if not self._surging():
            self._refill(person, now)
        elif self._is_urgent_for(person):
            self._plan(now)
        self._work(person, now)

    def _is_urgent_for(self, person: _Person) -> bool:
        """Return whether a P1 waits that a person fits."""
        urgent = (n for n in self._waiting if self._damages[n].request.priority == "P1")
        return any(self._fits[n, person.number] for n in urgent)

    def _on_tick(self, now: datetime) -> None:
        if self._surging():
            self._plan(now)
        elif self._waiting:
            for number in sorted(self._waiting, key=self._turn):
                if self._give_to_best(number, now):
                    del self._waiting[number]
        if len(self._finished) < len(self._damages):
            self._at(now + self._tick, self._on_tick)

    def _plan(self, now: datetime) -> None:
        """Batch: all who wait and all who are on duty at once."""
        numbers = list(self._waiting)
        crews = [
            Crew(p.number, p.held, p.capacity, self._points[p.last_given]) for p in self._people
        ]
        waiting = [self._damages[n].request for n in numbers]
        given = plan(waiting, crews, self._fits[numbers], now)
        self._plans += 1
        for number in sorted(numbers, key=self._turn):
            agent = given.get(self._damages[number].request.request_id)
            if agent is not None:
                del self._waiting[number]
                self._give(number, self._people[agent], now)

    def _give_to_best(self, number: int, now: datetime) -> bool:
        """Greedy: the order of ``candidates.rank``, with the distance where it is known."""
        fitting = [p for p in self._people if p.held < p.capacity and self._fits[number, p.number]]
        if fitting:
            self._give(number, min(fitting, key=partial(self._rank, number)), now)
        return bool(fitting)

    def _rank(self, number: int, person: _Person) -> tuple[float, float, datetime, str]:
        km = float(self._km[person.last_given, number])
        return person.held / person.capacity, km, person.last_assigned_at, person.code

    def _refill(self, person: _Person, now: datetime) -> None:
        """Greedy: a free place goes to the first in turn that may have it."""
        suitable = [n for n in self._waiting if self._fits[n, person.number]]
        if suitable:
            number = min(suitable, key=self._turn)
            del self._waiting[number]
            self._give(number, person, now)

    def _turn(self, number: int) -> tuple[str, datetime, int]:
        request = self._damages[number].request
        return request.priority, request.created_at, number

    def _give(self, number: int, person: _Person, now: datetime) -> None:
        heapq.heappush(person.worklist, (self._damages[number].due_at, number))
        person.held += 1
        person.last_given, person.last_assigned_at = number, now
        self._work(person, now)

    def _work(self, person: _Person, now: datetime) -> None:
        """Set out for the job that is due first, unless one is under way or there is none."""
        if person.busy or not person.worklist:
            return
        _, number = heapq.heappop(person.worklist)
        km = float(self._km[person.place, number])
        self._travelled += km
        person.place, person.busy = number, True
        hours = km / SPEED_KMH + self._damages[number].work_hours
        self._at(now + timedelta(hours=hours), partial(self._done, person, number))
