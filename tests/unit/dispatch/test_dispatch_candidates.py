"""Who fits: each reason to leave an agent out, the order of the rest, and when to try again."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_dispatch.domain.candidates import (
    RETRY_AFTER,
    Job,
    exclusion,
    load_share,
    next_try,
    rank,
)
from cst_dispatch.domain.decisions import DISPATCH, KEPT, assigned, deferred
from cst_testkit.factories import request_state

MONDAY_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
JOB = Job("MN01", -74.0, 40.71, "P3", frozenset({"roads", "signals"}))
SQUARE = [[(-74.1, 40.6), (-73.9, 40.6), (-73.9, 40.8), (-74.1, 40.8), (-74.1, 40.6)]]
FENCE = {"type": "Polygon", "coordinates": SQUARE}


def agent(code: str = "A", **overrides: Any) -> dict[str, Any]:
    """Return an agent that fits ``JOB`` at ``MONDAY_NOON``."""
    fits: dict[str, Any] = {
        "_id": f"id-{code}",
        "agent_code": code,
        "skills": ["roads"],
        "coverage": {"zone_ids": ["MN01"], "geo_fence": None},
        "schedule": schedule("08:00", "16:00"),
        "capacity": 4,
        "open_assignments": 0,
        "last_assigned_at": None,
        "leave": [],
    }
    return fits | overrides


def schedule(start: str, end: str, *, on_call: bool = False) -> dict[str, Any]:
    shifts = [{"day": "mon", "start": start, "end": end}]
    return {"timezone": "UTC", "shifts": shifts, "on_call": on_call}


def leave(start: int, end: int) -> list[dict[str, datetime]]:
    hour = timedelta(hours=1)
    return [{"starts_at": MONDAY_NOON + start * hour, "ends_at": MONDAY_NOON + end * hour}]


OFF = schedule("13:00", "16:00")
OFF_ON_CALL = schedule("13:00", "16:00", on_call=True)


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ({}, None),
        ({"skills": ["signals", "trees"]}, None),
        ({"skills": ["trees"]}, "skill"),
        ({"coverage": {"zone_ids": ["MN02"], "geo_fence": None}}, "zone"),
        ({"coverage": {"zone_ids": [], "geo_fence": FENCE}}, None),
        ({"leave": leave(-1, 1)}, "leave"),
        ({"leave": leave(-1, 0)}, None),
        ({"leave": leave(0, 1)}, "leave"),
        ({"leave": leave(1, 2)}, None),
        ({"schedule": OFF}, "off_shift"),
        ({"schedule": OFF_ON_CALL}, "off_shift"),
        ({"open_assignments": 4}, "full"),
        ({"open_assignments": 3}, None),
        ({"open_assignments": 9}, "full"),
        ({"skills": ["trees"], "schedule": OFF, "open_assignments": 4}, "skill"),
        ({"schedule": OFF, "open_assignments": 4}, "off_shift"),
    ],
)
def test_why_an_agent_is_left_out(overrides: dict[str, Any], reason: str | None) -> None:
    assert exclusion(agent(**overrides), JOB, MONDAY_NOON) == reason


@pytest.mark.parametrize("priority", ["P1", "P2", "P3", "P4"])
def test_on_call_counts_for_p1_only(priority: str) -> None:
    job = Job("MN01", None, None, priority, JOB.skills)
    expected = None if priority == "P1" else "off_shift"
    assert exclusion(agent(schedule=OFF_ON_CALL), job, MONDAY_NOON) == expected


@pytest.mark.parametrize(
    ("lon", "lat", "reason"),
    [(-74.0, 40.7, None), (-74.1, 40.7, None), (-74.2, 40.7, "zone"), (None, None, "zone")],
)
def test_a_fence_covers_what_lies_in_it(
    lon: float | None, lat: float | None, reason: str | None
) -> None:
    job = Job("elsewhere", lon, lat, "P3", JOB.skills)
    fenced = agent(coverage={"zone_ids": [], "geo_fence": FENCE})
    assert exclusion(fenced, job, MONDAY_NOON) == reason


def test_a_hole_in_a_fence_is_outside() -> None:
    hole = [(-74.05, 40.65), (-73.95, 40.65), (-73.95, 40.75), (-74.05, 40.75), (-74.05, 40.65)]
    fence = {"type": "Polygon", "coordinates": [*SQUARE, hole]}
    fenced = agent(coverage={"zone_ids": [], "geo_fence": fence})
    assert exclusion(fenced, Job("x", -74.0, 40.7, "P3", JOB.skills), MONDAY_NOON) == "zone"


loads = st.tuples(
    st.integers(0, 5),
    st.integers(1, 5),
    st.none() | st.integers(0, 5).map(lambda days: MONDAY_NOON - timedelta(days=days)),
)


@given(st.lists(loads, max_size=12), st.randoms())
def test_the_least_loaded_comes_first_then_the_longest_unassigned_then_the_code(
    drawn: list[tuple[int, int, datetime | None]], shuffle: Any
) -> None:
    agents = [
        agent(f"A{number:02d}", open_assignments=held, capacity=room, last_assigned_at=last)
        for number, (held, room, last) in enumerate(drawn)
    ]
    shuffled = list(agents)
    shuffle.shuffle(shuffled)
    ranking = rank(shuffled, JOB, MONDAY_NOON)
    fitting = [a for a in agents if a["open_assignments"] < a["capacity"]]
    never = MONDAY_NOON - timedelta(days=9999)
    fitting.sort(
        key=lambda a: (
            a["open_assignments"] / a["capacity"],
            a["last_assigned_at"] or never,
            a["agent_code"],
        )
    )
    assert ranking.ranked == fitting
    assert sum(ranking.excluded.values()) == len(agents) - len(fitting)


def test_the_reasons_are_counted() -> None:
    left_out = [agent(skills=["trees"]), agent(skills=["trees"]), agent(schedule=OFF), agent()]
    ranking = rank(left_out, JOB, MONDAY_NOON)
    assert Counter(ranking.excluded) == Counter(skill=2, off_shift=1)


def test_the_next_try_is_the_next_shift_of_somebody_who_would_fit() -> None:
    unfit = agent(skills=["trees"], schedule=schedule("12:30", "16:00"))
    late, early = agent(schedule=schedule("15:00", "16:00")), agent(schedule=OFF)
    assert next_try([late, unfit, early], JOB, MONDAY_NOON) == MONDAY_NOON + timedelta(hours=1)


@pytest.mark.parametrize(
    "agents", [[], [agent(open_assignments=4)], [agent(open_assignments=4), agent(schedule=OFF)]]
)
def test_without_a_shift_to_wait_for_it_is_tried_again_soon(agents: list[dict[str, Any]]) -> None:
    assert next_try(agents, JOB, MONDAY_NOON) == MONDAY_NOON + RETRY_AFTER


def test_a_load_share_of_nobodys_capacity_is_full() -> None:
    assert load_share(agent(capacity=0)) == 1.0


def test_a_job_knows_its_place_only_where_somebody_does() -> None:
    state = request_state()
    assert (Job.of(state, ["roads"]).lon, Job.of(state, ["roads"]).lat) == (-74.0, 40.71)
    state["location"] |= {"located": False, "zone_id": "UNKNOWN"}
    assert Job.of(state, ["roads"]) == Job("UNKNOWN", None, None, "P3", frozenset({"roads"}))


def test_a_decision_keeps_the_best_candidates_and_the_reasons() -> None:
    agents = [agent(f"A{number}") for number in range(KEPT + 3)] + [agent(skills=["trees"])]
    ranking = rank(agents, JOB, MONDAY_NOON)
    event = assigned(ranking.ranked[1], ranking, DISPATCH)
    assert event.changes["assignment.assigned_agent_id"] == "id-A1"
    kept = [f"id-A{number}" for number in range(KEPT)]
    assert event.changes["assignment.auto_assign_candidate_agents"] == kept
    assert [candidate["agent_id"] for candidate in event.meta["candidates"]] == kept
    assert event.meta["excluded"] == {"skill": 1}


def test_a_deferral_names_its_reasons() -> None:
    ranking = rank([agent(schedule=OFF), agent(open_assignments=4)], JOB, MONDAY_NOON)
    assert deferred(ranking, MONDAY_NOON, DISPATCH).meta["reason"] == "1 full, 1 off_shift"
    nobody = rank([], JOB, MONDAY_NOON)
    assert deferred(nobody, MONDAY_NOON, DISPATCH).meta["reason"] == "no agent has the skill"
