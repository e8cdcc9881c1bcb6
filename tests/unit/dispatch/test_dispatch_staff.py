"""The roster in memory against each agent asked on their own."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from cst_dispatch.domain.candidates import FULL, Job, exclusion
from cst_dispatch.domain.shifts import DAYS, next_start
from cst_dispatch.domain.staff import Staff

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)  # New York changes its clocks on the 8th.
HOUR = timedelta(hours=1)
SKILLS, ZONES, TIMES = ("roads", "trees", "light"), ("A", "B", "C"), ("06:00", "13:30", "22:00")
SQUARE = [[[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0], [0.0, 0.0]]]
FENCE = {"type": "Polygon", "coordinates": SQUARE}

shifts = st.tuples(st.sampled_from(DAYS), st.sampled_from(TIMES), st.sampled_from(TIMES)).filter(
    lambda shift: shift[1] != shift[2]
)
leaves = st.tuples(st.integers(0, 300), st.integers(1, 100)).map(
    lambda drawn: {
        "leave_id": "x",
        "starts_at": BEGIN + drawn[0] * HOUR,
        "ends_at": BEGIN + (drawn[0] + drawn[1]) * HOUR,
    }
)
times = st.fixed_dictionaries(
    {
        "schedule": st.fixed_dictionaries(
            {
                "timezone": st.sampled_from(["America/New_York", "Asia/Kathmandu"]),
                "shifts": st.lists(shifts, max_size=4).map(
                    lambda drawn: [{"day": d, "start": s, "end": e} for d, s, e in drawn]
                ),
                "on_call": st.booleans(),
            }
        ),
        "leave": st.lists(leaves, max_size=1),
    }
)
#: Few different times, so that some are shared.
rosters = st.lists(times, min_size=1, max_size=3).flatmap(
    lambda few: st.lists(
        st.builds(
            lambda shared, skills, zones, fence, kind, active: {
                "_id": ObjectId(),
                "kind": kind,
                "active": active,
                "skills": sorted(skills),
                "coverage": {"zone_ids": sorted(zones), "geo_fence": fence},
                "capacity": 1,
                "open_assignments": 0,
                **shared,
            },
            st.sampled_from(few),
            st.sets(st.sampled_from(SKILLS), min_size=1),
            st.sets(st.sampled_from(ZONES)),
            st.sampled_from([None, FENCE]),
            st.sampled_from(["person", "person", "person", "team"]),
            st.sampled_from([True, True, True, False]),
        ),
        max_size=8,
    )
)
jobs = st.builds(
    Job,
    st.sampled_from(ZONES),
    st.sampled_from([None, 1.0, 5.0]),
    st.just(1.0),
    st.sampled_from(["P1", "P3"]),
    st.frozensets(st.sampled_from(SKILLS), min_size=1),
)
looks = st.lists(st.tuples(st.integers(0, 24 * 14 * 4), jobs), min_size=1, max_size=12)


def at(quarters: int) -> datetime:
    return BEGIN + quarters * timedelta(minutes=15)


@given(rosters, looks)
def test_who_is_free_and_why_the_others_are_not_is_what_each_says(
    agents: list[dict[str, Any]], asked: list[tuple[int, Job]]
) -> None:
    staff = Staff()
    staff.put(agents)
    persons = [agent for agent in agents if agent["active"] and agent["kind"] == "person"]
    # Also back in time: what is remembered of a moment is not taken for another.
    for quarters, job in asked:
        now, free = at(quarters), staff.free(job, at(quarters))
        reasons = {agent["_id"]: exclusion(agent, job, now) for agent in persons}
        assert free.ids == {agent_id for agent_id, reason in reasons.items() if reason is None}
        assert free.excluded == Counter(reason for reason in reasons.values() if reason)
        away = [agent for agent in persons if reasons[agent["_id"]] in ("leave", "off_shift")]
        starts = [next_start(agent, now, on_call=job.on_call) for agent in away]
        assert free.next_start == min((start for start in starts if start), default=None)
        for agent in agents:
            could = agent["_id"] in reasons and reasons[agent["_id"]] is None
            assert staff.could_take(agent["_id"], job, now) == could


@given(rosters, jobs, st.data())
def test_who_changes_is_asked_as_they_are_now(
    agents: list[dict[str, Any]], job: Job, data: st.DataObject
) -> None:
    staff, fresh = Staff(), Staff()
    staff.put(agents)
    staff.free(job, BEGIN)
    changed = [
        agent | {"active": data.draw(st.booleans()), "skills": [data.draw(st.sampled_from(SKILLS))]}
        for agent in agents[: len(agents) // 2 + 1]
    ]
    staff.put(changed)
    fresh.put([*changed, *agents[len(changed) :]])
    assert staff.free(job, BEGIN) == fresh.free(job, BEGIN)


def test_how_much_somebody_has_to_do_is_no_matter_here() -> None:
    agent = {
        "_id": ObjectId(),
        "kind": "person",
        "active": True,
        "skills": ["roads"],
        "coverage": {"zone_ids": ["A"], "geo_fence": None},
        "schedule": {"timezone": "UTC", "shifts": [], "on_call": True},
        "leave": [],
        "capacity": 1,
        "open_assignments": 1,
    }
    job = Job("A", None, None, "P1", frozenset({"roads"}))
    staff = Staff()
    staff.put([agent])
    assert exclusion(agent, job, BEGIN) == FULL
    assert staff.free(job, BEGIN).ids == {agent["_id"]}
