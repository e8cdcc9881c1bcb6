"""What holds of every calendar, to the microsecond."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from calendar_oracle import NEW_YORK, OFFICE, WEEKDAYS, business
from hypothesis import assume, given
from hypothesis import strategies as st

from cst_calendar import Calendar, calendar_of, due, used

ZERO, TICK = timedelta(), timedelta(microseconds=1)
ZONES = (NEW_YORK, "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham", "UTC")

instants = st.datetimes(datetime(2010, 1, 1), datetime(2019, 12, 31)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)
spans = st.timedeltas(ZERO, timedelta(hours=900))
times = st.lists(st.integers(0, 48), min_size=2, max_size=4, unique=True).map(
    lambda halves: [f"{half // 2:02}:{half % 2 * 3}0" for half in sorted(halves)]
)
weeks = st.dictionaries(
    st.sampled_from(WEEKDAYS), times.map(lambda t: [t[:2], *([t[2:]] if t[3:] else [])]), min_size=1
)
calendars_of_business = st.builds(
    lambda zone, week, country, closures: calendar_of(
        business(zone, weekly=week, country=country, closures=closures)
    ),
    st.sampled_from(ZONES),
    weeks | st.just(OFFICE),
    st.sampled_from([None, "US"]),
    st.lists(st.dates(date(2010, 1, 1), date(2019, 12, 31)).map(str), max_size=3),
)
civil = st.sampled_from(ZONES).map(
    lambda zone: calendar_of({"kind": "civil-days", "timezone": zone})
)
# Those on which every reading occurs.
steady = calendars_of_business | st.just(calendar_of(None))
calendars = steady | civil
pauses = st.lists(st.tuples(instants, instants).map(lambda pair: (min(pair), max(pair))))


@given(steady, instants, spans)
def test_elapsed_is_the_inverse_of_advance(
    calendar: Calendar, start: datetime, span: timedelta
) -> None:
    assert calendar.elapsed(start, calendar.advance(start, span)) == span


@given(civil, instants, spans)
def test_on_civil_days_it_is_unless_the_target_is_skipped(
    calendar: Calendar, start: datetime, span: timedelta
) -> None:
    end = calendar.advance(start, span)
    passed = calendar.elapsed(start, end)
    assert passed >= span
    if passed > span:
        assert calendar.elapsed(end - TICK, end) > TICK


@given(calendars, instants, spans)
def test_by_then_no_more_has_passed_and_right_after_it_has(
    calendar: Calendar, start: datetime, span: timedelta
) -> None:
    end = calendar.advance(start, span)
    assert end >= start
    assert end.tzinfo is UTC
    assert calendar.elapsed(start, end - TICK) <= span
    assert calendar.elapsed(start, end + TICK) > span


@given(calendars_of_business, instants, spans)
def test_a_moment_due_is_one_at_which_it_is_open(
    calendar: Calendar, start: datetime, span: timedelta
) -> None:
    end = calendar.advance(start, span)
    assert calendar.elapsed(end, end + TICK) == TICK


@given(calendars, instants, instants, spans, spans)
def test_later_or_longer_is_never_due_earlier(
    calendar: Calendar, one: datetime, other: datetime, span: timedelta, more: timedelta
) -> None:
    first, second = sorted((one, other))
    assert calendar.advance(first, span) <= calendar.advance(second, span)
    assert calendar.advance(first, span) <= calendar.advance(first, span + more)


@given(steady, instants, spans, spans)
def test_two_spans_in_a_row_are_their_sum(
    calendar: Calendar, start: datetime, one: timedelta, other: timedelta
) -> None:
    in_a_row = calendar.advance(calendar.advance(start, one), other)
    assert in_a_row == calendar.advance(start, one + other)


@given(calendars, st.lists(instants, min_size=3, max_size=3))
def test_times_between_instants_add_up(calendar: Calendar, moments: list[datetime]) -> None:
    a, b, c = sorted(moments)
    assert calendar.elapsed(a, b) + calendar.elapsed(b, c) == calendar.elapsed(a, c)
    assert calendar.elapsed(a, b) >= ZERO
    assert calendar.elapsed(b, a) == ZERO


@given(steady, instants, st.integers(0, 9000), pauses)
def test_used_up_exactly_when_due(
    calendar: Calendar, start: datetime, minutes: int, paused: list[tuple[datetime, datetime]]
) -> None:
    end = due(calendar, start, minutes / 60, paused)
    assume(not any(begin < end <= until for begin, until in paused))
    assert used(calendar, start, end, paused) == timedelta(minutes=minutes)


@given(steady, instants, st.integers(0, 90), spans, spans)
def test_a_pause_puts_the_moment_off_by_as_much(
    calendar: Calendar, start: datetime, hours: int, before: timedelta, pause: timedelta
) -> None:
    stopped = calendar.advance(start, before)
    paused = (stopped, calendar.advance(stopped, pause))
    plain = due(calendar, start, hours)
    later = due(calendar, start, hours, [paused])
    put_off = pause if before < timedelta(hours=hours) else ZERO
    assert calendar.elapsed(plain, later) == put_off
    assert later == calendar.advance(plain, put_off)


@given(calendars, instants, st.integers(0, 90), pauses)
def test_the_order_and_the_cut_of_pauses_do_not_matter(
    calendar: Calendar,
    start: datetime,
    hours: int,
    paused: list[tuple[datetime, datetime]],
) -> None:
    halves = [
        half
        for begin, end in paused
        for middle in [begin + (end - begin) / 2]
        for half in ((middle, end), (begin, middle), (begin, begin))
    ]
    assert due(calendar, start, hours, halves) == due(calendar, start, hours, paused)
    assert used(calendar, start, start + timedelta(days=99), halves) == used(
        calendar, start, start + timedelta(days=99), paused
    )


@given(calendars, instants, spans)
def test_the_zone_an_instant_is_written_in_does_not_matter(
    calendar: Calendar, start: datetime, span: timedelta
) -> None:
    local = start.astimezone(ZoneInfo(NEW_YORK))
    assert calendar.advance(local, span) == calendar.advance(start, span)
    assert calendar.elapsed(local, start + span) == calendar.elapsed(start, start + span)


@pytest.mark.parametrize(
    "terms",
    [None, {"kind": "civil-days", "timezone": NEW_YORK}, business()],
    ids=["24x7", "civil-days", "business"],
)
def test_what_is_no_instant_or_span_is_refused(terms: dict[str, object] | None) -> None:
    calendar, now = calendar_of(terms), datetime(2026, 1, 5, 15, tzinfo=UTC)
    naive = datetime(2026, 1, 5)
    with pytest.raises(ValueError, match="must be an aware datetime"):
        calendar.advance(naive, ZERO)
    with pytest.raises(ValueError, match="must be an aware datetime"):
        calendar.elapsed(now, naive)
    with pytest.raises(ValueError, match="must not be negative"):
        due(calendar, now, -1)
    with pytest.raises(OverflowError, match="9999"):
        due(calendar, now, 24 * 365.25 * 8000)
    assert due(calendar, now, 0) == now
