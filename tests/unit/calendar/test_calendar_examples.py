"""Days of the year 2015 in Boston, and clocks that are put forward and back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from calendar_oracle import NEW_YORK, at, business

from cst_calendar import calendar_of, due, used

BOSTON = business(country="US", subdivision="MA")
CIVIL = {"kind": "civil-days", "timezone": NEW_YORK}
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2015-01-05 10:00", 2, "2015-01-05 12:00"),
        ("2015-01-05 10:00", 8.5, "2015-01-06 10:00"),
        ("2015-01-09 16:00", 1.5, "2015-01-12 09:00"),
        # What runs out at closing time may be answered when the office opens next.
        ("2015-01-09 16:00", 1, "2015-01-12 08:30"),
        ("2015-01-10 12:00", 0, "2015-01-12 08:30"),
        ("2015-01-10 12:00", 8.5, "2015-01-13 08:30"),
        # Two weeks less New Year's Day; Martin Luther King Day; Patriots' Day, only here.
        ("2015-01-01 00:25", 85, "2015-01-16 08:30"),
        ("2015-01-16 16:00", 2, "2015-01-20 09:30"),
        ("2015-04-17 16:00", 2, "2015-04-21 09:30"),
        ("2015-12-31 16:00", 2, "2016-01-04 09:30"),
        ("2015-12-31 16:00", 1, "2016-01-04 08:30"),
        ("2016-02-26 16:00", 9.5, "2016-03-01 08:30"),
    ],
)
def test_office_hours(start: str, hours: float, end: str) -> None:
    assert due(calendar_of(BOSTON), at(start), hours) == at(end)


def test_closures_and_days_worked_in_spite_of_a_holiday() -> None:
    friday, sooner = at("2015-01-16 16:00"), at("2015-01-19 09:30")
    worked = calendar_of(BOSTON | {"works_on": ["2015-01-19", "2015-01-18"]})
    assert due(worked, friday, 2) == sooner
    assert due(calendar_of(BOSTON | {"country": None}), friday, 2) == sooner
    snow = calendar_of(BOSTON | {"closures": ["2015-01-20", "2015-01-21", "2015-01-24"]})
    assert due(snow, friday, 2) == at("2015-01-22 09:30")
    both = calendar_of(BOSTON | {"closures": ["2015-01-19"], "works_on": ["2015-01-19"]})
    assert due(both, friday, 2) == at("2015-01-20 09:30")


def test_an_interval_in_the_skipped_hour_is_not_there() -> None:
    night = calendar_of(business(weekly={"sun": [["02:00", "03:00"]]}))
    assert night.elapsed(at("2015-03-08 00:00"), at("2015-03-09 00:00")) == 0 * HOUR
    assert due(night, at("2015-03-02 00:00"), 0.5) == at("2015-03-15 02:30")


def test_an_interval_in_the_repeated_hour_is_there_twice() -> None:
    night = calendar_of(business(weekly={"sun": [["01:00", "01:30"]]}))
    assert due(night, at("2015-11-01 00:00"), 0.25) == at("2015-11-01 01:15")
    assert due(night, at("2015-11-01 00:00"), 0.5) == at("2015-11-01 01:00*")
    assert due(night, at("2015-11-01 00:00"), 0.75) == at("2015-11-01 01:15*")
    assert night.elapsed(at("2015-11-01 00:00"), at("2015-11-02 00:00")) == HOUR


def test_a_day_that_never_was_has_no_hours() -> None:
    zone = "Pacific/Apia"
    samoa = calendar_of(business(zone))
    start, end = at("2011-12-29 16:00", zone), at("2012-01-02 09:30", zone)
    assert due(samoa, start, 2) == end
    assert used(samoa, start, end) == 2 * HOUR


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2015-03-07 10:00", 24, "2015-03-08 10:00"),
        ("2015-10-31 10:00", 24, "2015-11-01 10:00"),
        ("2015-10-31 10:00", 48, "2015-11-02 10:00"),
        # A time that is skipped is due at the jump, one that occurs twice when it does first.
        ("2015-03-07 02:30", 24, "2015-03-08 03:00"),
        ("2015-10-31 01:30", 24, "2015-11-01 01:30"),
        ("2015-10-31 02:00", 24, "2015-11-01 02:00"),
        # The second pass counts as its end.
        ("2015-11-01 01:30*", 0, "2015-11-01 02:00"),
        ("2015-11-01 01:30*", 24, "2015-11-02 02:00"),
        ("2016-02-28 10:00", 48, "2016-03-01 10:00"),
    ],
)
def test_civil_days_end_at_the_same_local_time(start: str, hours: float, end: str) -> None:
    assert due(calendar_of(CIVIL), at(start), hours) == at(end)


def test_around_the_clock_the_local_one_does_not_matter() -> None:
    always = calendar_of(None)
    assert due(always, at("2015-03-07 10:00"), 24) == at("2015-03-08 11:00")
    assert always.elapsed(at("2015-11-01 00:00"), at("2015-11-02 00:00")) == 25 * HOUR


@pytest.mark.parametrize(
    ("pauses", "end"),
    [
        ([], "2015-01-05 14:00"),
        ([("11:00", "12:00")], "2015-01-05 15:00"),
        ([("12:00", "12:30"), ("11:00", "12:00"), ("11:30", "12:15")], "2015-01-05 15:30"),
        ([("08:00", "09:30"), ("09:00", "09:00")], "2015-01-05 14:00"),
        ([("08:00", "10:30")], "2015-01-05 14:30"),
        ([("14:00", "16:00")], "2015-01-05 14:00"),
        ([("13:59", "16:00")], "2015-01-05 16:01"),
        ([("13:00", "20:00")], "2015-01-06 09:30"),
        ([("17:00", "23:00")], "2015-01-05 14:00"),
    ],
    ids=[
        *("none", "one", "overlapping", "before", "at_the_start", "just_when_due"),
        *("a_minute_before", "beyond_closing_time", "after"),
    ],
)
def test_pauses(pauses: list[tuple[str, str]], end: str) -> None:
    moments = [(at(f"2015-01-05 {a}"), at(f"2015-01-05 {b}")) for a, b in pauses]
    assert due(calendar_of(BOSTON), at("2015-01-05 10:00"), 4, moments) == at(end)


def test_terms_of_one_content_share_a_calendar() -> None:
    assert calendar_of(BOSTON) is calendar_of(dict(reversed(BOSTON.items())))
    assert calendar_of(BOSTON) is not calendar_of(business())
    assert calendar_of(None) is calendar_of(None)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"kind": "lunar", "timezone": NEW_YORK}, "'lunar' is no kind of calendar"),
        ({"kind": "civil-days", "timezone": "Mars/Olympus"}, "'Mars/Olympus' is no time zone"),
        (business(weekly={}), "never open"),
        (business(weekly={"mon": [["08:00", "08:00"]], "tue": []}), "never open"),
        (business(weekly={"mon": [["08:00", "24:01"]]}), "later than 24:00"),
        (business(weekly={"mon": [["8am", "17:00"]]}), "'8am' is not a time"),
        (business(country="XX"), "no public holidays are known"),
        (business(country="US", subdivision="QQ"), "no public holidays are known"),
        (business(closures=["2015-02-29"]), "day"),
    ],
    ids=["kind", "zone", "empty", "no_time", "late", "form", "country", "subdivision", "date"],
)
def test_terms_that_make_no_calendar_are_refused(terms: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        calendar_of(terms)
