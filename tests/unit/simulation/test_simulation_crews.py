"""How long the simulated staff take."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cst_ledger.rules import RuleBook
from cst_simulation.crews import OUTCOMES, START_MINUTES, Crews
from cst_testkit.cities import new_york

MORNING = datetime(2026, 11, 23, 14, tzinfo=UTC)
EVENING = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
SAMPLES = 400


def request(number: int, priority: str = "P3", category: str = "pothole") -> dict[str, Any]:
    return {"request_id": f"CST-2026-{number:04d}", "priority": priority, "category": category}


def test_the_same_request_takes_the_same_time(crews: Crews) -> None:
    assert crews.started_at(request(1), MORNING) == Crews(new_york(), 311).started_at(
        request(1), MORNING
    )
    assert crews.started_at(request(1), MORNING) != crews.started_at(request(2), MORNING)


@pytest.mark.parametrize("priority", ["P1", "P2"])
def test_urgent_work_starts_within_its_median(crews: Crews, priority: str) -> None:
    spans = [crews.started_at(request(n, priority), MORNING) - MORNING for n in range(SAMPLES)]
    minutes = median(span.total_seconds() / 60 for span in spans)
    assert minutes == pytest.approx(START_MINUTES[priority], rel=0.15)


def test_work_on_a_sidewalk_takes_longer_than_on_a_parked_car(crews: Crews) -> None:
    def typical(category: str) -> float:
        jobs = (request(n, "P2", category) for n in range(SAMPLES))
        return median((crews.resolved_at(job, MORNING) - MORNING).total_seconds() for job in jobs)

    assert typical("sidewalk_damage") > 3 * typical("illegal_parking")


def test_what_can_wait_is_not_begun_at_night(crews: Crews) -> None:
    for number in range(SAMPLES):
        local = crews.started_at(request(number, "P4"), EVENING).astimezone(
            ZoneInfo("America/New_York")
        )
        assert 6 <= local.hour < 22


def test_what_is_urgent_is_begun_at_night(crews: Crews) -> None:
    starts = [crews.started_at(request(n, "P1"), EVENING) for n in range(SAMPLES)]
    assert max(starts) < EVENING + timedelta(hours=3)


def test_outcomes_are_codes_of_the_rules(crews: Crews) -> None:
    codes = Counter(crews.outcome(request(n)) for n in range(SAMPLES))
    assert codes.keys() <= set(RuleBook.shipped().version("v1.0").resolution_codes)
    assert codes["fixed"] > SAMPLES / 2
    assert sum(OUTCOMES.values()) == 100


def test_most_of_the_resolved_are_closed_some_are_left(crews: Crews) -> None:
    closed = sum(crews.closed_at(request(n), MORNING) is not None for n in range(SAMPLES))
    assert 0.6 < closed / SAMPLES < 0.8
