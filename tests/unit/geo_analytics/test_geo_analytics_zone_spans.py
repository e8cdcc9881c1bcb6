"""Spans of days as months and days, the day a median lies on, and what queries refuse."""

from __future__ import annotations

import statistics
from collections import Counter
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_core.errors import InvalidInput
from cst_geo_analytics.domain.insight_queries import EquityQuery, SurgesQuery, months_before
from cst_geo_analytics.domain.zones import Span, middle_places, parts_of, percent

NEW_YORK = ZoneInfo("America/New_York")
days = st.dates(date(2000, 1, 1), date(2030, 12, 31))
spans = st.builds(Span.ending, days, st.integers(1, 366))
TODAY = date(2026, 3, 3)


def each(span: Span) -> list[date]:
    return [span.first + timedelta(days=n) for n in range(span.days)]


@given(spans)
def test_months_and_days_are_the_span_and_each_day_once(span: Span) -> None:
    parts = parts_of(span)
    found = [day for part in parts.days for day in each(part)]
    for month in parts.months:
        first = date.fromisoformat(f"{month}-01")
        found += [
            d for d in each(Span.ending(first + timedelta(days=31), 32)) if f"{d:%Y-%m}" == month
        ]
    assert sorted(found) == each(span)
    assert len(parts.days) <= 2
    assert sum(part.days for part in parts.days) <= 60


@given(spans)
def test_the_span_before_is_as_long_and_ends_where_it_begins(span: Span) -> None:
    assert span.before.days == span.days
    assert span.before.last + timedelta(days=1) == span.first
    assert span.before.instants(NEW_YORK)[1] == span.instants(NEW_YORK)[0]


def test_a_day_of_the_clock_change_has_23_hours() -> None:
    start, end = Span(date(2026, 3, 8), date(2026, 3, 8)).instants(NEW_YORK)
    assert end - start == timedelta(hours=23)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=40))
def test_the_median_lies_where_its_day_says(ages: list[int]) -> None:
    by_day = Counter(f"2026-03-{day + 1:02}" for day in ages)
    ordered = sorted(ages)
    found = []
    for place in middle_places(by_day):
        before = sum(n for day, n in by_day.items() if day < place.day)
        found.append(ordered[before + place.skip])
    assert statistics.mean(found) == statistics.median(ages)


def test_of_nothing_there_is_no_median_and_no_percentage() -> None:
    assert middle_places({}) == []
    assert percent(0, 0) is None
    assert percent(1, 3) == 33.33


@pytest.mark.parametrize("text", ["2026-03-04", "2026-02-30", "0001-01-01", "1899-12-31"])
def test_a_day_that_has_not_been_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        SurgesQuery(day=text).last_day(TODAY)
    (error,) = refused.value.members["errors"]
    assert (error["field"], error["value"]) == ("day", text)
    assert error["allowed"] == ["YYYY-MM-DD, 1900-01-01 to 2026-03-03"]


def test_months_default_to_a_year_up_to_now() -> None:
    assert EquityQuery().months(TODAY) == ("2025-04", "2026-03")
    assert EquityQuery(**{"from": "2026-02", "to": "2026-02"}).months(TODAY) == (
        "2026-02",
        "2026-02",
    )
    assert months_before("2026-03", 3) == "2025-12"


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ({"from": "2026-03", "to": "2026-02"}, "from"),
        ({"to": "2026-04"}, "to"),
        ({"from": "1990-01"}, "from"),
        ({"from": "0000-01"}, "from"),
        ({"from": "1899-12", "to": "1900-01"}, "from"),
        ({"to": "1899-12"}, "to"),
    ],
)
def test_months_that_are_none_are_refused(given_: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        EquityQuery(**given_).months(TODAY)
    (error,) = refused.value.members["errors"]
    assert error["field"] == field
    assert error["allowed"]
