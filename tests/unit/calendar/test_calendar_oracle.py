"""Calendars against a minute-by-minute reading of the local clock, where clocks do odd things."""

from __future__ import annotations

import pytest
from calendar_oracle import MINUTE, NEW_YORK, OFFICE, Window, business
from hypothesis import given, settings
from hypothesis import strategies as st

from cst_calendar import calendar_of, due, used

# Intervals in hours that are skipped or repeated somewhere, and around midnight.
NIGHTS = {
    **OFFICE,
    "wed": [["00:00", "03:15"], ["08:30", "17:00"]],
    "thu": [["08:30", "17:00"], ["18:00", "24:00"]],
    "fri": [["00:00", "07:10"], ["08:30", "12:00"], ["12:00", "13:00"], ["22:45", "24:00"]],
    "sat": [["00:00", "24:00"]],
    "sun": [["00:00", "00:20"], ["01:00", "01:30"], ["01:40", "02:05"], ["02:20", "02:50"]],
}
LONG = {"weekly": NIGHTS}
HOLIDAYS = ("2015-12-25", "2016-01-01")

WINDOWS = [
    Window("new_york_spring", "2015-03-02", business(**LONG)),
    Window("new_york_autumn", "2015-10-26", business(**LONG)),
    Window("new_york_leap_day", "2016-02-25", business(closures=["2016-03-01"])),
    Window(
        "new_york_new_year",
        "2015-12-22",
        business(
            country="US", subdivision="MA", works_on=["2016-01-01"], closures=["2015-12-29"], **LONG
        ),
        16,
        HOLIDAYS,
    ),
    Window("lord_howe_half_hour_back", "2015-03-30", business("Australia/Lord_Howe", **LONG)),
    Window("lord_howe_half_hour_on", "2015-09-28", business("Australia/Lord_Howe", **LONG)),
    Window("chatham_back", "2015-03-30", business("Pacific/Chatham", **LONG)),
    Window("chatham_on", "2015-09-21", business("Pacific/Chatham", **LONG)),
    Window("kathmandu_new_year", "2015-12-26", business("Asia/Kathmandu", **LONG)),
    Window("apia_without_a_friday", "2011-12-24", business("Pacific/Apia", **LONG)),
    Window("kiritimati_without_a_saturday", "1994-12-26", business("Pacific/Kiritimati", **LONG)),
    Window("sao_paulo_without_midnight", "2015-10-12", business("America/Sao_Paulo", **LONG)),
    Window("sao_paulo_midnight_back", "2016-02-15", business("America/Sao_Paulo", **LONG)),
]
windows = pytest.mark.parametrize("window", WINDOWS, ids=[window.name for window in WINDOWS])
minutes = st.integers(0, 12 * 24 * 60 - 1)
few = settings(max_examples=25)


@windows
def test_every_minute_agrees(window: Window) -> None:
    calendar, first = calendar_of(window.terms), window.instant(0)
    counted = 0
    for minute, ticks in enumerate(window.ticks):
        if minute % 5 == 0:
            assert calendar.elapsed(first, window.instant(minute)) == counted * MINUTE
        counted += ticks
    assert 0 < counted < window.minutes


@few
@given(start=minutes, span=minutes, pauses=st.lists(st.tuples(minutes, minutes), max_size=4))
@windows
def test_due_and_used_agree(
    window: Window, start: int, span: int, pauses: list[tuple[int, int]]
) -> None:
    calendar = calendar_of(window.terms)
    pauses = [(min(pair), max(pair)) for pair in pauses]
    moments = [(window.instant(begin), window.instant(end)) for begin, end in pauses]
    span %= 1 + window.elapsed(start, window.minutes)
    expected = window.due(start, span, pauses)
    if expected is not None:
        found = due(calendar, window.instant(start), span / 60, moments)
        assert found == window.instant(expected)
    end = start + span
    assert (
        used(calendar, window.instant(start), window.instant(end), moments)
        == window.elapsed(start, end, pauses) * MINUTE
    )


CHANGES = [window for window in WINDOWS if "new_year" not in window.name]


@few
@given(start=minutes, span=minutes)
@pytest.mark.parametrize("window", CHANGES, ids=[window.name for window in CHANGES])
def test_civil_days_agree(window: Window, start: int, span: int) -> None:
    calendar = calendar_of({"kind": "civil-days", "timezone": window.terms["timezone"]})
    end = min(start + span, window.minutes - 1)
    passed = window.civil[end] - window.civil[start]
    assert calendar.elapsed(window.instant(start), window.instant(end)) == passed
    target = window.civil[start] + span * MINUTE
    expected = next((n for n, shown in enumerate(window.readings) if shown >= target), None)
    if expected is not None:
        assert calendar.advance(window.instant(start), span * MINUTE) == window.instant(expected)


def test_the_windows_hold_what_they_are_named_after() -> None:
    jumps = {
        window.name: {
            later - reading - MINUTE
            for reading, later in zip(window.readings, window.readings[1:], strict=False)
        }
        for window in WINDOWS
    }
    assert jumps["apia_without_a_friday"] == {0 * MINUTE, 24 * 60 * MINUTE}
    assert jumps["lord_howe_half_hour_back"] == {0 * MINUTE, -30 * MINUTE}
    assert jumps["new_york_spring"] == jumps["chatham_on"] == {0 * MINUTE, 60 * MINUTE}
    assert jumps["new_york_autumn"] == jumps["chatham_back"] == {0 * MINUTE, -60 * MINUTE}
    assert NEW_YORK in {window.terms["timezone"] for window in WINDOWS}
