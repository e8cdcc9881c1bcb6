"""Local times as the city writes them, and instants with an offset."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_intake.domain.imports.times import iso_instant, us_local_time

BOSTON = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("01/01/2015 12:20:09 AM", "2015-01-01T05:20:09"),
        ("01/01/2015 12:20:09 PM", "2015-01-01T17:20:09"),
        ("7/4/2015 1:02:03 PM", "2015-07-04T17:02:03"),
        ("12/31/2015 11:10:09 PM", "2016-01-01T04:10:09"),
        # Clocks go back: half past one comes twice, and the first is meant.
        ("11/01/2015 01:30:00 AM", "2015-11-01T05:30:00"),
        ("11/01/2015 02:00:00 AM", "2015-11-01T07:00:00"),
        # Clocks go forward: half past two does not come, half past three does.
        ("03/08/2015 02:30:00 AM", "2015-03-08T07:30:00"),
        ("03/08/2015 03:30:00 AM", "2015-03-08T07:30:00"),
    ],
)
def test_local_times(text: str, utc: str) -> None:
    assert us_local_time(text, BOSTON) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@given(st.datetimes(datetime(1900, 1, 1), datetime(2199, 12, 30)))
def test_local_times_agree_with_strptime(moment: datetime) -> None:
    text = moment.strftime("%m/%d/%Y %I:%M:%S %p")
    plain = datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=BOSTON)
    assert us_local_time(text, BOSTON) == plain.astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2015-01-01 10:00:00", "form MM/DD/YYYY"),
        ("01/01/2015", "form MM/DD/YYYY"),
        ("01/01/2015 10:00:00", "form MM/DD/YYYY"),
        ("01/01/15 10:00:00 AM", "form MM/DD/YYYY"),
        ("\u0661/01/2015 10:00:00 AM", "form MM/DD/YYYY"),
        ("13/01/2015 10:00:00 AM", "month"),
        ("02/29/2015 10:00:00 AM", "day"),
        ("01/01/2015 13:00:00 PM", "hour 13"),
        ("01/01/2015 00:00:00 AM", "hour 0"),
        ("01/01/2015 10:60:00 AM", "minute"),
        ("01/01/0001 10:00:00 AM", "years 1900 to 2199"),
    ],
)
def test_what_is_no_local_time(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        us_local_time(text, BOSTON)


def test_instants_are_cut_to_the_millisecond() -> None:
    expected = datetime(2026, 3, 2, 20, 0, 0, 123_000, tzinfo=UTC)
    assert iso_instant("2026-03-02T15:00:00.123999-05:00") == expected
    assert iso_instant("2026-03-02T20:00:00.123Z") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("yesterday", "not an ISO 8601 time"),
        ("2026-03-02T15:00:00", "no offset"),
        ("2026-03-02", "no offset"),
        ("9999-12-31T23:59:59-12:00", "years 1900 to 2199"),
    ],
)
def test_what_is_no_instant(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        iso_instant(text)
