"""The one clock: what CST_CLOCK may say, and what time it then is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_core.clock import MAX_RATE, Clock, parse_clock, past_instant, to_ms
from cst_core.errors import InvalidInput

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
instants = st.datetimes(
    min_value=datetime(1980, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.timezones()
)


def test_real_time_has_no_start() -> None:
    assert parse_clock("real") == (None, 1.0)


@given(instants, st.floats(0, MAX_RATE))
def test_a_written_clock_is_read_back_in_utc(start: datetime, rate: float) -> None:
    assert parse_clock(f"{start.isoformat()}@{rate!r}") == (to_ms(start), rate)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("", "has no @rate"),
        ("2026-01-01T00:00:00Z", "has no @rate"),
        ("tomorrow@1", "Invalid isoformat"),
        ("2026-01-01T00:00:00@1", "needs an offset or Z"),
        ("2026-01-01T00:00:00Z@fast", "could not convert"),
        ("2026-01-01T00:00:00Z@-1", "between 0 and"),
        ("2026-01-01T00:00:00Z@nan", "between 0 and"),
        (f"2026-01-01T00:00:00Z@{MAX_RATE * 2}", "between 0 and"),
    ],
)
def test_what_cannot_be_read_is_named_in_one_line(spec: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        parse_clock(spec)
    assert "\n" not in str(caught.value)
    assert repr(spec) in str(caught.value)


@given(instants)
def test_an_instant_is_cut_to_the_millisecond_never_moved_ahead(instant: datetime) -> None:
    cut = to_ms(instant)
    assert cut.utcoffset() == timedelta(0)
    assert cut.microsecond % 1000 == 0
    assert timedelta(0) <= instant.astimezone(UTC) - cut < timedelta(milliseconds=1)


def test_a_clock_runs_at_its_rate_from_its_anchor() -> None:
    anchor = datetime.now(UTC) - timedelta(seconds=10)
    simulated = Clock(start=NEW_YEAR, rate=3600, anchor=anchor).now()
    assert timedelta(hours=10) <= simulated - NEW_YEAR < timedelta(hours=10, minutes=30)


def test_a_rate_of_zero_stands_still() -> None:
    clock = Clock(start=NEW_YEAR, rate=0, anchor=datetime.now(UTC) - timedelta(days=1))
    assert clock.now() == NEW_YEAR
    assert clock.wall_seconds(timedelta(seconds=1)) == float("inf")


def test_a_span_takes_less_wall_time_on_a_fast_clock() -> None:
    assert Clock(start=NEW_YEAR, rate=60, anchor=NEW_YEAR).wall_seconds(timedelta(minutes=1)) == 1


def test_an_offset_other_than_utc_is_converted() -> None:
    start, _ = parse_clock("2026-03-03T12:00:00-05:00@1")
    assert start == datetime(2026, 3, 3, 12, tzinfo=timezone(timedelta(hours=-5)))
    assert start.tzinfo is UTC


@given(instants)
def test_a_past_instant_is_read_as_it_was_written(instant: datetime) -> None:
    whole_minutes = instant.utcoffset() % timedelta(minutes=1) == timedelta(0)  # type: ignore[operator]
    text = (instant if whole_minutes else instant.astimezone(UTC)).isoformat()
    assert past_instant("as_of", text, to_ms(instant)) == to_ms(instant)
    with pytest.raises(InvalidInput, match="as_of: is in the future"):
        past_instant("as_of", text, to_ms(instant) - timedelta(milliseconds=1))


@given(st.text(max_size=40))
def test_whatever_else_is_no_instant(text: str) -> None:
    with pytest.raises(InvalidInput, match="as_of: is not an instant"):
        past_instant("as_of", text, NEW_YEAR)
