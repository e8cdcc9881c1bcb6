"""Batch mode: what a plan may never do, and that it is the best one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cst_dispatch.domain.batch import (
    BACKLOG_WEIGHT,
    JOB_HOURS,
    LATENESS_WEIGHT,
    WAIT_WEIGHT,
    Booleans,
    Crew,
    Waiting,
    backlog_hours,
    plan,
)
from cst_dispatch.domain.travel import Point, travel_hours

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HERE, NEAR, FAR = (-74.0, 40.7), (-74.0, 40.71), (-74.0, 40.9)
HOUR = timedelta(hours=1)
PRIORITIES = ("P1", "P2", "P3", "P4")


@dataclass(frozen=True)
class Case:
    """What a plan is made of."""

    waiting: list[Waiting]
    crews: list[Crew]
    may: Booleans

    def plan(self) -> dict[str, str]:
        return plan(self.waiting, self.crews, self.may, NOW)


def waits(
    name: str,
    priority: str = "P3",
    *,
    due_in: float | None = 24.0,
    age: float = 1.0,
    point: Point | None = HERE,
) -> Waiting:
    """Return a request that is ``age`` hours old and due in ``due_in`` hours."""
    due_at = None if due_in is None else NOW + due_in * HOUR
    return Waiting(name, priority, NOW - age * HOUR, due_at, point)


def crew(name: str, room: int = 1, *, held: int = 0, position: Point | None = HERE) -> Crew:
    """Return a crew with ``room`` for more than the ``held`` jobs it has."""
    return Crew(name, held, held + room, position)


def everywhere(waiting: Sequence[Waiting], crews: Sequence[Crew]) -> Case:
    """Return a case in which every crew may have every request."""
    may = np.ones((len(waiting), len(crews)), dtype=np.bool_)
    return Case(list(waiting), list(crews), may)


points = st.none() | st.tuples(st.floats(-74.2, -73.7), st.floats(40.5, 40.9))


@st.composite
def cases(draw: st.DrawFn, most_waiting: int = 12, most_crews: int = 5) -> Case:
    """Any requests and crews, and any pairs allowed."""
    dues = st.none() | st.floats(-30, 80)
    waiting = [
        waits(
            f"R{number}",
            draw(st.sampled_from(PRIORITIES)),
            due_in=draw(dues),
            age=draw(st.floats(0, 90)),
            point=draw(points),
        )
        for number in range(draw(st.integers(0, most_waiting)))
    ]
    numbers = st.integers(0, 3)
    crews = [
        crew(f"C{number}", draw(numbers), held=draw(numbers), position=draw(points))
        for number in range(draw(st.integers(0, most_crews)))
    ]
    pairs = len(waiting) * len(crews)
    flat = draw(st.lists(st.booleans(), min_size=pairs, max_size=pairs))
    return Case(waiting, crews, np.array(flat, dtype=np.bool_).reshape(len(waiting), len(crews)))


def most_by_class(case: Case) -> Counter[str]:
    """Return how many of each class can be served at most, without fewer of a higher one.

    Augmenting paths: who is served once stays served, so higher classes never lose by lower ones.
    """
    taken: dict[int, list[int]] = {j: [] for j in range(len(case.crews))}

    def finds_place(row: int, seen: set[int]) -> bool:
        for j in np.flatnonzero(case.may[row]).tolist():
            if j in seen:
                continue
            seen.add(j)
            if len(taken[j]) < case.crews[j].room:
                taken[j].append(row)
                return True
            for other in taken[j]:
                if finds_place(other, seen):
                    taken[j].remove(other)
                    taken[j].append(row)
                    return True
        return False

    served = Counter[str]()
    for row in sorted(range(len(case.waiting)), key=lambda i: case.waiting[i].priority):
        served[case.waiting[row].priority] += finds_place(row, set())
    return served


def cost_of(case: Case, choice: Sequence[int | None]) -> float:
    """Return what a choice costs: each crew's jobs in the order that is best for it, by sorting."""
    hours = travel_hours([w.point for w in case.waiting], [c.position for c in case.crews])
    served = [i for i, chosen in enumerate(choice) if chosen is not None]
    total = -BACKLOG_WEIGHT * sum(backlog_of(case, i) for i in served)
    for j, person in enumerate(case.crews):
        rows = [i for i, chosen in enumerate(choice) if chosen == j]
        total += min(_costs_in_order(case, hours[:, j], person, order) for order in _orders(rows))
    return total


def backlog_of(case: Case, row: int) -> float:
    """Return the hours that wait for the least loaded crew of a request that has one."""
    loads = [
        sum(JOB_HOURS / int(able.sum()) for able in case.may if able[j])
        for j in np.flatnonzero(case.may[row]).tolist()
    ]
    return min(loads)


def _orders(rows: list[int]) -> Iterator[list[int]]:
    if not rows:
        yield []
    for row in rows:
        for rest in _orders([other for other in rows if other != row]):
            yield [row, *rest]


def _costs_in_order(case: Case, hours: np.ndarray, person: Crew, order: list[int]) -> float:
    total = 0.0
    for nth, row in enumerate(order):
        begin = (person.open_assignments + nth) * JOB_HOURS
        slack = case.waiting[row].slack_hours(NOW)
        late = max(0.0, hours[row] + begin - slack)
        total += hours[row] + WAIT_WEIGHT * begin + LATENESS_WEIGHT * late
    return total


def choices(case: Case) -> Iterator[tuple[int | None, ...]]:
    """Yield everything that could be done: for each request a crew that may have it, or none."""
    options = [[None, *np.flatnonzero(row).tolist()] for row in case.may]
    for choice in product(*options):
        loads = Counter(j for j in choice if j is not None)
        if all(load <= case.crews[j].room for j, load in loads.items()):
            yield choice


def best_cost(case: Case) -> float:
    """Return the least cost of those choices that serve most, and the most urgent of them."""

    def key(choice: tuple[int | None, ...]) -> tuple[int, list[int], float]:
        served = [w for w, j in zip(case.waiting, choice, strict=True) if j is not None]
        return -len(served), sorted(w.urgency() for w in served), cost_of(case, choice)

    return min(key(choice) for choice in choices(case))[2]


@given(cases())
def test_a_plan_keeps_to_capacity_and_to_allowed_pairs(case: Case) -> None:
    numbers = {person.agent_id: j for j, person in enumerate(case.crews)}
    rows = {request.request_id: i for i, request in enumerate(case.waiting)}
    made = case.plan()
    assert all(case.may[rows[request], numbers[agent]] for request, agent in made.items())
    loads = Counter(made.values())
    assert all(load <= case.crews[numbers[agent]].room for agent, load in loads.items())


@given(cases(), st.sampled_from(PRIORITIES))
def test_of_one_class_as_many_are_served_as_can_be(case: Case, priority: str) -> None:
    same = [Waiting(w.request_id, priority, w.created_at, w.due_at, w.point) for w in case.waiting]
    case = Case(same, case.crews, case.may)
    assert len(case.plan()) == most_by_class(case).total()


@given(cases())
def test_each_class_gets_the_most_of_what_the_higher_ones_left(case: Case) -> None:
    made, rest = case.plan(), list(case.crews)
    for priority in PRIORITIES:
        rows = [i for i, w in enumerate(case.waiting) if w.priority == priority]
        part = Case([case.waiting[i] for i in rows], rest, case.may[rows])
        given_now = Counter(made[w.request_id] for w in part.waiting if w.request_id in made)
        assert given_now.total() == most_by_class(part)[priority]
        rest = [
            Crew(c.agent_id, c.open_assignments + given_now[c.agent_id], c.capacity, c.position)
            for c in rest
        ]


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_requests_and_crews_changes_nothing(case: Case, chance: Random) -> None:
    rows, columns = list(range(len(case.waiting))), list(range(len(case.crews)))
    chance.shuffle(rows)
    chance.shuffle(columns)
    may = case.may[rows][:, columns] if rows and columns else case.may
    waiting, crews = [case.waiting[i] for i in rows], [case.crews[j] for j in columns]
    assert Case(waiting, crews, may).plan() == case.plan()


@settings(max_examples=60, deadline=None)
@given(cases(most_waiting=4, most_crews=3))
def test_no_choice_that_serves_as_well_costs_less(case: Case) -> None:
    same = [Waiting(w.request_id, "P3", w.created_at, w.due_at, w.point) for w in case.waiting]
    case = Case(same, case.crews, case.may)
    numbers = {person.agent_id: j for j, person in enumerate(case.crews)}
    made = case.plan()
    chosen = [numbers[made[w.request_id]] if w.request_id in made else None for w in case.waiting]
    assert cost_of(case, chosen) == pytest.approx(best_cost(case), abs=1e-6)


def test_the_shorter_ways_are_taken_together() -> None:
    waiting = [waits("R1", point=HERE), waits("R2", point=FAR)]
    crews = [crew("north", position=NEAR), crew("south", position=(-74.0, 40.66))]
    assert everywhere(waiting, crews).plan() == {"R1": "south", "R2": "north"}


def test_a_higher_priority_gets_the_place_however_far_it_is() -> None:
    waiting = [waits("late", "P2", due_in=-100, point=HERE), waits("far", "P1", point=FAR)]
    assert everywhere(waiting, [crew("only")]).plan() == {"far": "only"}


def test_with_few_places_the_earliest_due_are_served_however_far_they_are() -> None:
    waiting = [waits(f"R{due}", due_in=due, point=HERE) for due in range(5, 20)]
    waiting += [waits("late", due_in=-9, point=FAR), waits("later", due_in=-3, point=FAR)]
    made = everywhere(waiting, [crew("one"), crew("two", 2)]).plan()
    assert made.keys() == {"late", "later", "R5"}


def test_without_promises_the_oldest_are_served_first() -> None:
    waiting = [waits(f"R{age}", due_in=None, age=age, point=NEAR) for age in (1, 30, 60)]
    assert everywhere(waiting, [crew("only")]).plan() == {"R60": "only"}


def test_what_was_promised_nothing_has_its_turn_after_some_days() -> None:
    waiting = [waits("promised", due_in=10), waits("old", due_in=None, age=90)]
    assert everywhere(waiting, [crew("only")]).plan() == {"old": "only"}


def test_of_the_equally_urgent_the_nearer_is_served() -> None:
    waiting = [waits("far", due_in=24.1, point=FAR), waits("near", due_in=24.9, point=NEAR)]
    assert everywhere(waiting, [crew("only")]).plan() == {"near": "only"}


def test_of_the_equally_urgent_what_few_can_do_is_served_first() -> None:
    waiting = [waits(f"common{n}") for n in range(4)] + [waits(f"rare{n}") for n in range(3)]
    crews = [crew("both", 1), *(crew(f"full{n}", 0, held=3) for n in range(3))]
    may = np.array([[True] * 4] * 4 + [[True] + [False] * 3] * 3)
    made = Case(waiting, crews, may).plan()
    assert list(made) in (["rare0"], ["rare1"], ["rare2"])
    assert backlog_hours(may).tolist() == pytest.approx([1.0] * 4 + [4.0] * 3)


def test_loads_spread_over_crews_at_the_same_place() -> None:
    waiting = [waits(f"R{number}") for number in range(6)]
    crews = [crew(name, 4) for name in ("a", "b", "c")]
    assert set(Counter(everywhere(waiting, crews).plan().values()).values()) == {2}


def test_a_request_about_to_be_late_goes_to_the_farther_crew_that_begins_at_once() -> None:
    crews = [crew("busy", 2, held=3, position=HERE), crew("free", 2, position=NEAR)]
    assert everywhere([waits("R", due_in=1)], crews).plan() == {"R": "free"}


@pytest.mark.parametrize(("point", "position"), [(None, HERE), (HERE, None), (None, None)])
def test_unknown_places_are_served_too(point: Point | None, position: Point | None) -> None:
    case = everywhere([waits("R", point=point)], [crew("C", position=position)])
    assert case.plan() == {"R": "C"}


def test_nothing_waiting_or_nobody_free_is_an_empty_plan() -> None:
    assert everywhere([], []).plan() == {}
    assert everywhere([waits("R")], []).plan() == {}
    assert everywhere([], [crew("C")]).plan() == {}
    assert everywhere([waits("R")], [crew("C", 0, held=3)]).plan() == {}
