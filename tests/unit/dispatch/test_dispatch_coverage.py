"""When nobody is there, against a count of every minute of the week."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from dispatch_wall import DAY_MINUTES, MINUTE, MONDAYS, ZONES, any_schedules, leave_of, wall
from hypothesis import given, settings
from hypothesis import strategies as st

from cst_dispatch.domain.coverage import Gap, gaps
from cst_dispatch.domain.shifts import DAYS, Window

SKILLS, PLACES = ("roads", "signals", "parks"), ("MN01", "MN02", "MN03")
NEEDED = {
    "pothole": frozenset({"roads"}),
    "signal": frozenset({"signals", "roads"}),
    "tree": frozenset({"parks"}),
    "sinkhole": frozenset({"roads"}),
}
MONDAY, NEW_YORK = date(2026, 3, 2), "America/New_York"
WEEKDAYS = tuple((day, "08:00", "16:00") for day in DAYS[:5])
ALL_WEEK = tuple((day, a, b) for day in DAYS for a, b in (("00:00", "12:00"), ("12:00", "00:00")))


@st.composite
def staffs(draw: st.DrawFn) -> tuple[date, list[dict[str, Any]]]:
    """Draw a Monday and a few agents, some of whom do not count."""
    monday = draw(st.sampled_from(MONDAYS))
    agent = st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["person", "person", "person", "team"]),
            "active": st.sampled_from([True, True, True, False]),
            "skills": st.lists(st.sampled_from(SKILLS), min_size=1, max_size=2),
            "coverage": st.fixed_dictionaries(
                {"zone_ids": st.lists(st.sampled_from(PLACES), max_size=2)}
            ),
            "schedule": any_schedules(),
            "leave": leave_of(monday),
        }
    )
    return monday, draw(st.lists(agent, max_size=5))


def counts(agent: dict[str, Any], need: str, place: str) -> bool:
    return (
        agent["active"]
        and agent["kind"] == "person"
        and bool(NEEDED[need] & set(agent["skills"]))
        and place in agent["coverage"]["zone_ids"]
    )


def covered(
    agents: list[dict[str, Any]], monday: date, begin: datetime, length: int, *, on_call: bool
) -> bytearray:
    """Return for each of ``length`` minutes from ``begin`` on whether one of ``agents`` works."""
    there = bytearray(length)
    for agent in agents:
        clock = wall(agent["schedule"]["timezone"], monday)
        first = clock.minute(begin)
        working = clock.working(agent["schedule"], agent["leave"], on_call=on_call)
        for minute, works in enumerate(working[first : first + length]):
            there[minute] |= works
    return there


def minutes_of(windows: tuple[Window, ...], begin: datetime, length: int) -> bytearray:
    """Return for each minute whether a window has it."""
    there = bytearray(length)
    for start, end in windows:
        first, last = (start - begin) // MINUTE, (end - begin) // MINUTE
        there[first:last] = b"\1" * (last - first)
    return there


def swap(minutes: bytearray) -> bytearray:
    return bytearray(1 - minute for minute in minutes)


@settings(max_examples=25)
@given(staffs(), st.sampled_from(ZONES), st.integers(0, 6))
def test_gaps_are_the_minutes_in_which_nobody_is_there(
    drawn: tuple[date, list[dict[str, Any]]], timezone: str, later: int
) -> None:
    monday, agents = drawn
    first, clock = monday + timedelta(days=later), wall(timezone, monday)
    midnights = [
        clock.shows(datetime.combine(first + timedelta(days=n), datetime.min.time()))
        for n in range(8)
    ]
    assert all(midnight is not None for midnight in midnights)
    edges = [midnight for midnight in midnights if midnight is not None]
    begin, length = clock.instant(edges[0]), edges[7] - edges[0]
    found = gaps(agents, NEEDED, PLACES, first, timezone)
    by_place = {(need, place): gap for gap in found for need in gap.needs for place in gap.zones}
    assert len(by_place) == sum(len(gap.needs) * len(gap.zones) for gap in found)
    for need in NEEDED:
        for place in PLACES:
            able = [agent for agent in agents if counts(agent, need, place)]
            nobody = swap(covered(able, monday, begin, length, on_call=False))
            not_even = swap(covered(able, monday, begin, length, on_call=True))
            gap = by_place.get((need, place))
            if gap is None:
                assert not any(nobody)
                continue
            assert gap.skills == NEEDED[need]
            assert minutes_of(gap.uncovered, begin, length) == nobody
            assert minutes_of(gap.beyond_on_call, begin, length) == not_even
            assert_days_are(gap, first, nobody, [edge - edges[0] for edge in edges])


def assert_days_are(gap: Gap, first: date, nobody: bytearray, edges: list[int]) -> None:
    """Each day that lacks somebody is told with its minutes, and no other day is."""
    told = {day.day: day for day in gap.days}
    for number, (begin, end) in enumerate(pairwise(edges)):
        lacking, day = sum(nobody[begin:end]), first + timedelta(days=number)
        assert (day in told) == (lacking > 0)
        if lacking:
            assert told[day].weekday == DAYS[day.weekday()]
            assert told[day].minutes == lacking
            assert told[day].whole == (lacking == end - begin)


def person(*shifts: tuple[str, str, str], **overrides: Any) -> dict[str, Any]:
    """Return an active roads person of MN01."""
    rows = [{"day": day, "start": start, "end": end} for day, start, end in shifts]
    on_call = overrides.pop("on_call", False)
    return {
        "kind": "person",
        "active": True,
        "skills": ["roads"],
        "coverage": {"zone_ids": ["MN01"], "geo_fence": None},
        "schedule": {"timezone": NEW_YORK, "shifts": rows, "on_call": on_call},
        "leave": [],
        **overrides,
    }


def potholes(*agents: dict[str, Any], zones: tuple[str, ...] = ("MN01",)) -> list[Gap]:
    return gaps(agents, {"pothole": {"roads"}}, zones, MONDAY, NEW_YORK)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_nobody_is_there_on_a_sunday() -> None:
    rest = [shift for shift in ALL_WEEK if shift[0] != "sun"]
    (gap,) = potholes(person(*rest))
    assert [(day.weekday, day.minutes, day.whole) for day in gap.days] == [
        # The last of the seven days is that on which the clocks lose an hour.
        ("sun", 23 * 60, True)
    ]
    sunday = at("2026-03-08T00:00:00-05:00"), at("2026-03-09T00:00:00-04:00")
    assert gap.uncovered == gap.beyond_on_call == (sunday,)


def test_where_somebody_always_is_there_is_no_gap() -> None:
    assert potholes(person(*ALL_WEEK)) == []
    early, late = person(*ALL_WEEK[::2]), person(*ALL_WEEK[1::2])
    assert potholes(early, late) == []
    assert len(potholes(early)) == len(potholes(late)) == 1


def test_leave_opens_a_gap() -> None:
    hour = {
        "starts_at": at("2026-03-03T09:00:00-05:00"),
        "ends_at": at("2026-03-03T10:00:00-05:00"),
    }
    (gap,) = potholes(person(*ALL_WEEK, leave=[hour]))
    assert gap.uncovered == ((hour["starts_at"], hour["ends_at"]),)
    assert [(day.weekday, day.minutes, day.whole) for day in gap.days] == [("tue", 60, False)]


def test_who_is_on_call_is_told_apart() -> None:
    day_off = {
        "starts_at": at("2026-03-03T00:00:00-05:00"),
        "ends_at": at("2026-03-04T00:00:00-05:00"),
    }
    (gap,) = potholes(person(*WEEKDAYS, on_call=True, leave=[day_off]))
    assert [day.weekday for day in gap.days if day.whole] == ["tue", "sat", "sun"]
    assert gap.beyond_on_call == ((day_off["starts_at"], day_off["ends_at"]),)


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "team"},
        {"active": False},
        {"skills": ["signals"]},
        {"coverage": {"zone_ids": ["MN02"], "geo_fence": None}},
        {"coverage": {"zone_ids": [], "geo_fence": {"type": "Polygon", "coordinates": []}}},
    ],
)
def test_teams_the_inactive_other_crews_and_fences_fill_no_gap(other: dict[str, Any]) -> None:
    (gap,) = potholes(person(*ALL_WEEK, **other), person(*WEEKDAYS))
    assert gap.uncovered == potholes(person(*WEEKDAYS))[0].uncovered


def test_zones_and_needs_that_fare_alike_are_told_together() -> None:
    both = person(*WEEKDAYS, coverage={"zone_ids": ["MN01", "MN02"], "geo_fence": None})
    found = gaps([both, person(*ALL_WEEK, skills=["parks"])], NEEDED, PLACES, MONDAY, NEW_YORK)
    told = {(gap.needs, gap.zones) for gap in found}
    assert told == {
        (("pothole", "sinkhole"), ("MN01", "MN02")),
        (("pothole", "sinkhole"), ("MN03",)),
        (("signal",), ("MN01", "MN02")),
        (("signal",), ("MN03",)),
        (("tree",), ("MN02", "MN03")),
    }


def test_any_one_of_the_skills_does() -> None:
    needed = {"signal": {"signals", "roads"}}
    signals = person(*ALL_WEEK, skills=["signals"])
    assert gaps([signals], needed, ["MN01"], MONDAY, NEW_YORK) == []
    (gap,) = gaps([person(*ALL_WEEK, skills=["parks"])], needed, ["MN01"], MONDAY, NEW_YORK)
    assert all(day.whole for day in gap.days)
    assert len(gap.days) == 7


def test_the_days_are_the_citys_whatever_the_agents_live_by() -> None:
    nights = tuple((day, "19:00", "19:00") for day in DAYS)
    abroad = person(*nights)
    abroad["schedule"]["timezone"] = "Asia/Kolkata"
    assert potholes(abroad) == []
    abroad["schedule"]["shifts"] = abroad["schedule"]["shifts"][:1]
    (gap,) = potholes(abroad)
    monday = datetime(2026, 3, 2, 19, tzinfo=UTC) - timedelta(hours=5, minutes=30)
    assert gap.uncovered[0] == (at("2026-03-02T00:00:00-05:00"), monday)
    assert gap.uncovered[1][0] == monday + DAY_MINUTES * MINUTE
