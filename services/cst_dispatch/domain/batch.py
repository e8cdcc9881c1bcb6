"""Batch mode: many waiting requests and many crews, matched at once.

Taking requests one by one gives each the crew that is best for it alone. When many wait, the
matching that is best for all together drives less. It is an assignment problem: requests are rows,
free places of crews are columns, and each pair costs what ``_costs`` says.

Priorities come one after the other, each with the places that those before have left. Within one,
first as many are served as can be; among such matchings, the more urgent ones are served; among
these, the one of the least cost is taken. Costs favour what few crews can do, or it would be left
to the end, when those crews alone cannot do it in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from cst_dispatch.domain.travel import Floats, Point, travel_hours

#: Requests of a priority that fall due within one step are equally urgent: there the shorter way
#: decides. The longer the promise of a priority usually is, the longer the step.
URGENCY_STEPS = {
    "P1": timedelta(minutes=1),
    "P2": timedelta(minutes=30),
    "P3": timedelta(hours=1),
    "P4": timedelta(hours=3),
}
#: What was promised nothing queues as if it were due so long after its creation. It is never late.
UNPROMISED = timedelta(hours=72)
#: What one job takes a crew, travel and work, for guessing when the next ones begin; in hours.
JOB_HOURS = 1.0
#: Hours of travel that an hour of lateness, or an hour of waiting in a worklist, is worth.
LATENESS_WEIGHT, WAIT_WEIGHT = 1.0, 0.1
#: Hours of travel that an hour of backlog at the least loaded crew that could do it is worth.
BACKLOG_WEIGHT = 0.3

_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_HOUR = timedelta(hours=1)

Booleans = NDArray[np.bool_]
Integers = NDArray[np.int64]
AnyFloats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that waits: ``P1`` to ``P4``, when it came, its promise, and its place."""

    request_id: str
    priority: str
    created_at: datetime
    due_at: datetime | None
    point: Point | None

    def urgency(self) -> int:
        """Return the step in which it falls due: the smaller, the more urgent."""
        due_at = self.due_at or self.created_at + UNPROMISED
        return (due_at - _EPOCH) // URGENCY_STEPS[self.priority]

    def slack_hours(self, now: datetime) -> float:
        """Return hours until it is late, 0 when it is, infinity without a promise."""
        return max(0.0, (self.due_at - now) / _HOUR) if self.due_at else np.inf


@dataclass(frozen=True, slots=True)
class Crew:
    """A person on duty: jobs held, jobs that can be held, and the place of their last work.

    Those without room get nothing, but who could do what later matters to what is scarce now.
    """

    agent_id: Any
    open_assignments: int
    capacity: int
    position: Point | None

    @property
    def room(self) -> int:
        """How many more jobs they can hold."""
        return max(0, self.capacity - self.open_assignments)


def plan(
    waiting: Sequence[Waiting], crews: Sequence[Crew], may: Booleans, now: datetime
) -> dict[str, Any]:
    """Return the ``agent_id`` that each request goes to; what nobody can take is left out.

    ``may[i, j]`` says whether request ``i`` may go to crew ``j``, capacity aside. The order of
    neither sequence matters.
    """
    rows = sorted(range(len(waiting)), key=lambda i: waiting[i].request_id)
    columns = sorted(range(len(crews)), key=lambda j: str(crews[j].agent_id))
    if not rows or not columns:
        return {}
    allowed = np.asarray(may, dtype=np.bool_)[np.ix_(rows, columns)]
    board = _Board([waiting[i] for i in rows], [crews[j] for j in columns], allowed, now)
    given: dict[str, Any] = {}
    for priority in URGENCY_STEPS:
        for row, column in board.serve(priority):
            given[board.waiting[row].request_id] = board.crews[column].agent_id
    return given


class _Board:
    """One plan under way: who waits, who has room, and how much room is left."""

    def __init__(
        self, waiting: list[Waiting], crews: list[Crew], allowed: Booleans, now: datetime
    ) -> None:
        self.waiting, self.crews, self._allowed = waiting, crews, allowed
        self._hours = travel_hours([w.point for w in waiting], [c.position for c in crews])
        self._backlog = backlog_hours(allowed)
        self._slack = np.array([w.slack_hours(now) for w in waiting])
        self._urgency = np.array([w.urgency() for w in waiting], dtype=np.int64)
        self._held = np.array([c.open_assignments for c in crews], dtype=np.int64)
        self._room = np.array([c.room for c in crews], dtype=np.int64)

    def serve(self, priority: str) -> list[tuple[int, int]]:
        """Give the requests of a priority to crews; return the rows and columns, and fill room."""
        rows = np.flatnonzero([w.priority == priority for w in self.waiting])
        wanted = self._allowed[rows]
        places, before = self._places(wanted)
        if not rows.size or not places.size:
            return []
        backlog = self._backlog[rows]
        costs = _costs(self._hours[np.ix_(rows, places)], before * JOB_HOURS, self._slack[rows])
        costs += BACKLOG_WEIGHT * (backlog.max() - backlog)[:, np.newaxis]
        matched = _match(costs, wanted[:, places], self._urgency[rows])
        pairs = [(int(rows[i]), int(places[j])) for i, j in matched]
        for _, crew in pairs:
            self._held[crew] += 1
            self._room[crew] -= 1
        return pairs

    def _places(self, wanted: Booleans) -> tuple[Integers, Integers]:
        """Return the free places: each one's crew, and how many jobs come before it."""
        useful = np.minimum(self._room, wanted.sum(axis=0))
        crews = np.repeat(np.arange(useful.size), useful)
        nth = np.arange(crews.size) - np.repeat(np.cumsum(useful) - useful, useful)
        return crews, self._held[crews] + nth


def backlog_hours(allowed: Booleans) -> Floats:
    """Return for each request the hours of work that wait for the least loaded crew it may go to.

    All that waits is shared out evenly among the crews that it may go to; 0 where there are none.
    """
    able = allowed.sum(axis=1, keepdims=True)
    load = (allowed / np.maximum(able, 1)).sum(axis=0) * JOB_HOURS
    least: Floats = np.where(allowed, load, np.inf).min(axis=1)
    return np.where(np.isfinite(least), least, 0.0)


def _costs(travel: Floats, begin: AnyFloats, slack: Floats) -> Floats:
    """Return the cost of each request (row) at each place (column), in hours of travel.

    ``travel`` and ``begin``, hours until a place's turn comes, and ``slack``, hours until the
    request is late. Lateness that is there already is no cost: no choice takes it away.
    """
    late = np.maximum(0.0, travel + begin - slack[:, np.newaxis])
    costs: Floats = travel + WAIT_WEIGHT * begin + LATENESS_WEIGHT * late
    return costs


def _match(costs: Floats, allowed: Booleans, urgency: Integers) -> list[tuple[int, int]]:
    """Return the allowed pairs of the best matching.

    Serving a request is worth more than any costs of a whole matching, and each step of urgency is
    worth that much again. So no cost leaves out a request, and urgency decides which ones are.
    """
    _, steps = np.unique(-urgency, return_inverse=True)
    worth = (1.0 + steps) * (1.0 + min(costs.shape) * costs.max())
    rows, columns = linear_sum_assignment(np.where(allowed, costs - worth[:, np.newaxis], 0.0))
    return [(i, j) for i, j in zip(rows, columns, strict=True) if allowed[i, j]]
