"""Sums over agents, zones and skills."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cst_dispatch.domain.loads import Staff, agent_load, by_skill, staff_by

MONDAY_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
AWAY = {"starts_at": MONDAY_NOON, "ends_at": MONDAY_NOON + timedelta(hours=1)}


def agent(start: str, *zones: str, has: int = 1, **overrides: Any) -> dict[str, Any]:
    """Return somebody on shift from ``start`` to 16:00 on Mondays, with room for four requests."""
    shifts = [{"day": "mon", "start": start, "end": "16:00"}]
    return {
        "_id": "id",
        "coverage": {"zone_ids": list(zones)},
        "schedule": {"timezone": "UTC", "shifts": shifts, "on_call": True},
        "leave": [],
        "capacity": 4,
        "open_assignments": has,
        **overrides,
    }


def zones_of(someone: dict[str, Any]) -> list[str]:
    zones: list[str] = someone["coverage"]["zone_ids"]
    return zones


def test_persons_count_in_each_of_their_zones_once() -> None:
    staff = [
        agent("08:00", "MN01", "MN02", "MN02"),
        agent("12:00", "MN02", has=4),
        agent("12:01", "MN02", has=0),
        agent("08:00", "MN02", leave=[AWAY]),
        agent("08:00"),
    ]
    sums = staff_by(staff, zones_of, MONDAY_NOON)
    assert sums == {"MN01": Staff(1, 1, 3), "MN02": Staff(4, 2, 3)}


def test_who_has_more_than_their_capacity_takes_none_from_the_others() -> None:
    staff = [agent("08:00", "MN01", has=9), agent("08:00", "MN01", has=2)]
    assert staff_by(staff, zones_of, MONDAY_NOON) == {"MN01": Staff(2, 2, 2)}


def test_work_counts_with_each_skill_that_does_for_it() -> None:
    skills = {"pothole": ("roads",), "signal": ("signals", "roads"), "tree": ("forestry",)}
    work = {"pothole": 2, "signal": 3, "gone": 7}
    assert by_skill(work, skills) == {"roads": 5, "signals": 3}


def test_the_load_of_a_team_has_no_share() -> None:
    names = ("share", "on_shift", "on_leave")
    person, team = agent("08:00", leave=[AWAY]), agent("08:00", capacity=None)
    assert [agent_load(person, MONDAY_NOON)[name] for name in names] == [0.25, False, True]
    assert [agent_load(team, MONDAY_NOON)[name] for name in names] == [None, True, False]
