"""Who fits: each reason to leave an agent out, the order of the rest, and what is told of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_dispatch.domain.candidates import (
    Job,
    Ranking,
    distance_to,
    exclusion,
    in_order,
    load_share,
    objections,
)
from cst_dispatch.domain.decisions import (
    DISPATCH,
    KEPT,
    assigned,
    deferred,
    reassigned,
    waits_for_room,
)
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
        "position": None,
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


def test_every_objection_is_told_whatever_the_load() -> None:
    stranger = agent(
        skills=["trees"],
        coverage={"zone_ids": ["MN02"], "geo_fence": None},
        schedule=OFF,
        open_assignments=4,
    )
    assert list(objections(stranger, JOB, MONDAY_NOON)) == ["skill", "zone", "off_shift"]
    assert list(objections(agent(leave=leave(-1, 1)), JOB, MONDAY_NOON)) == ["leave"]
    assert list(objections(agent(open_assignments=4), JOB, MONDAY_NOON)) == []


places = st.none() | st.tuples(st.floats(-74.1, -73.9), st.floats(40.6, 40.8)).map(list)
loads = st.tuples(
    st.integers(0, 5),
    st.integers(1, 5),
    st.none() | st.integers(0, 5).map(lambda days: MONDAY_NOON - timedelta(days=days)),
    places,
)


@given(st.lists(loads, max_size=12), places, st.randoms())
def test_the_least_loaded_comes_first_then_the_nearest_then_the_longest_unassigned_then_the_code(
    drawn: list[tuple[int, int, datetime | None, Any]], place: Any, shuffle: Any
) -> None:
    agents = [
        agent(
            f"A{number:02d}",
            open_assignments=held,
            capacity=room,
            last_assigned_at=last,
            position=position,
        )
        for number, (held, room, last, position) in enumerate(drawn)
    ]
    shuffled = list(agents)
    shuffle.shuffle(shuffled)
    never = MONDAY_NOON - timedelta(days=9999)
    agents.sort(
        key=lambda a: (
            a["open_assignments"] / a["capacity"],
            float("inf") if distance_to(a, place) is None else distance_to(a, place),
            a["last_assigned_at"] or never,
            a["agent_code"],
        )
    )
    assert in_order(shuffled, place) == agents


def test_a_distance_is_told_where_both_ends_are_known() -> None:
    here = agent(position=[-74.0, 40.71])
    assert distance_to(here, (-74.0, 40.71)) == 0
    assert distance_to(here, (-74.0, 40.72)) == pytest.approx(1112, abs=1)
    assert distance_to(agent(), (-74.0, 40.71)) is None
    assert distance_to(here, None) is None


def test_a_load_share_of_nobodys_capacity_is_full() -> None:
    assert load_share(agent(capacity=0)) == 1.0


def test_a_job_knows_its_place_only_where_somebody_does() -> None:
    state = request_state()
    assert (Job.of(state, ["roads"]).lon, Job.of(state, ["roads"]).lat) == (-74.0, 40.71)
    state["location"] |= {"located": False, "zone_id": "UNKNOWN"}
    assert Job.of(state, ["roads"]) == Job("UNKNOWN", None, None, "P3", frozenset({"roads"}))


def test_a_decision_keeps_the_best_candidates_and_the_reasons() -> None:
    agents = in_order(agent(f"A{number}") for number in range(KEPT + 3))
    ranking = Ranking(agents, {"zone": 1})
    event = assigned(request_state(), agents[1], ranking, DISPATCH, MONDAY_NOON)
    assert event.changes["assignment.past_agent_ids"] == []
    assert event.changes["assignment.assigned_agent_id"] == "id-A1"
    assert event.changes["assignment.since"] == MONDAY_NOON
    kept = [f"id-A{number}" for number in range(KEPT)]
    assert event.changes["assignment.auto_assign_candidate_agents"] == kept
    assert [candidate["agent_id"] for candidate in event.meta["candidates"]] == kept
    assert event.meta["excluded"] == {"zone": 1}


def test_a_reassignment_counts_only_those_who_did_not_begin() -> None:
    document = request_state()
    document["assignment"] |= {"assigned_agent_id": "id-A", "past_agent_ids": [], "not_accepted": 1}
    ranking = Ranking([agent("B")], {})

    def changes(cause: Any) -> dict[str, Any]:
        return dict(
            reassigned(
                document, agent("B"), ranking, DISPATCH, MONDAY_NOON, policy="team", cause=cause
            ).changes
        )

    assert changes("not_accepted")["assignment.not_accepted"] == 2
    assert "assignment.not_accepted" not in changes("escalated")
    assert changes("manual")["assignment.past_agent_ids"] == ["id-A"]


def test_a_deferral_names_its_reasons() -> None:
    told = {"full": 1, "off_shift": 2}
    assert deferred(told, MONDAY_NOON, DISPATCH).meta["reason"] == "1 full, 2 off_shift"
    assert deferred({}, MONDAY_NOON, DISPATCH).meta["reason"] == "there is nobody to ask"
    assert waits_for_room(told)
    assert not waits_for_room({"off_shift": 2, "zone": 9})
