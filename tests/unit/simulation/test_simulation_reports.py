"""What the simulated citizens report: the same for the same seed, and like a city."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest

from cst_geo import haversine_m
from cst_rules.priority import find_word
from cst_simulation.reports import REPEAT_MAX, Citizens, Report
from cst_testkit.cities import new_york

NEW_YORK = ZoneInfo("America/New_York")
MONDAY = datetime(2026, 11, 23, tzinfo=NEW_YORK)
WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def week(citizens: Citizens) -> list[Report]:
    return list(takewhile(lambda report: report.at < MONDAY + WEEK, citizens.reports(MONDAY)))


def test_the_same_seed_reports_the_same(citizens: Citizens) -> None:
    again = Citizens(new_york(), 311, peak_rate=60)
    first = list(islice(citizens.reports(MONDAY), 300))
    second = list(islice(again.reports(MONDAY), 300))
    assert first == second
    assert [report.command for report in first] == [report.command for report in second]


def test_another_seed_reports_something_else(citizens: Citizens) -> None:
    other = Citizens(new_york(), 312, peak_rate=60)
    first = next(citizens.reports(MONDAY)).command
    assert next(other.reports(MONDAY)).command != first


def test_whoever_joins_later_meets_the_same_reports(citizens: Citizens, week: list[Report]) -> None:
    joined = MONDAY + timedelta(hours=30, minutes=17)
    expected = [report for report in week if report.at >= joined][:200]
    assert list(islice(citizens.reports(joined), 200)) == expected


def test_reports_come_in_order_and_are_numbered_once(week: list[Report]) -> None:
    assert [report.at for report in week] == sorted(report.at for report in week)
    assert len({report.number for report in week}) == len(week)
    assert week[0].at >= MONDAY


def test_a_working_day_has_two_peaks_and_a_quiet_night(week: list[Report]) -> None:
    hours = Counter(
        local.hour for report in week if (local := report.at.astimezone(NEW_YORK)).weekday() < 5
    )
    morning, noon, evening = (
        sum(hours[h] for h in span) / 3 for span in ((8, 9, 10), (12, 13, 14), (16, 17, 18))
    )
    night = sum(hours[h] for h in (1, 2, 3)) / 3
    assert morning > noon
    assert evening > noon
    assert night < noon / 4


def test_the_peak_rate_is_reached_and_not_passed_by_much(week: list[Report]) -> None:
    firsts = Counter(
        report.at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        for report in week
        if report.repeats is None
    )
    busiest = [count for _, count in firsts.most_common(10)]
    assert 45 <= sum(busiest) / len(busiest) <= 80


def test_weekends_are_quieter(week: list[Report]) -> None:
    days = Counter(report.at.astimezone(NEW_YORK).weekday() for report in week)
    assert max(days[5], days[6]) < min(days[day] for day in range(5))


def test_every_point_lies_inside_a_zone(week: list[Report]) -> None:
    index = new_york().zone_index()
    hits = [index.locate(*report.command.location.coordinates) for report in week]
    assert all(hit is not None and not hit.snapped for hit in hits)
    assert len({hit.zone_id for hit in hits if hit}) > 40


def test_reports_gather_around_hot_spots(citizens: Citizens, week: list[Report]) -> None:
    spots = citizens.places.hot_spots
    near = sum(
        any(
            haversine_m(*report.command.location.coordinates, *s.center) < 2 * s.sigma_m
            for s in spots
        )
        for report in week
    )
    assert near / len(week) > 0.5


def test_the_mix_is_a_city_s(week: list[Report]) -> None:
    mix = Counter(report.command.category for report in week)
    assert mix.keys() == {c.code for c in new_york().categories} - {"snow_ice"}
    assert mix["pothole"] > 3 * mix["unsafe_building"]
    night = [r for r in week if r.at.astimezone(NEW_YORK).hour in (0, 1, 2, 3)]
    assert Counter(r.command.category for r in night).most_common(1)[0][0] == "noise"


def test_snow_is_reported_in_winter(citizens: Citizens) -> None:
    january = datetime(2027, 1, 13, 9, tzinfo=NEW_YORK)
    assert "snow_ice" in {r.command.category for r in islice(citizens.reports(january), 300)}


def test_some_reports_are_dangerous(week: list[Report]) -> None:
    words = [word for listed in new_york().spec.danger_words.values() for word in listed]
    dangerous = sum(find_word(report.command.description, words) is not None for report in week)
    assert 0.003 < dangerous / len(week) < 0.08


def test_some_have_no_key_some_come_twice_and_some_are_private(week: list[Report]) -> None:
    shares = [
        sum(not report.keyed for report in week) / len(week),
        sum(report.resent for report in week) / len(week),
        sum(not report.command.share_publicly for report in week) / len(week),
    ]
    assert shares == pytest.approx([0.08, 0.05, 0.03], abs=0.015)
    assert all(report.keyed for report in week if report.resent)


def test_neighbors_report_the_same_thing_nearby_and_soon(week: list[Report]) -> None:
    by_number = {report.number: report for report in week}
    seconds = [r for r in week if r.repeats is not None and r.repeats in by_number]
    radius = {c.code: c.radius_m for c in new_york().categories}
    assert len(seconds) / len(week) > 0.05
    for second in seconds:
        first = by_number[second.repeats or ""]
        assert second.command.category == first.command.category
        assert timedelta() < second.at - first.at <= REPEAT_MAX
        apart = haversine_m(
            *first.command.location.coordinates, *second.command.location.coordinates
        )
        assert apart <= 1.5 * radius[first.command.category]
    assert "missed_trash" not in {report.command.category for report in seconds}
