"""Who is told what of an event, and how positions are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from live_kit import DOWNTOWN, map_event, place

from cst_geo import Box
from cst_geo_analytics.domain.live import (
    LEAVING,
    Position,
    Telling,
    Wanted,
    log_name,
    parse_position,
)
from cst_geo_analytics.domain.projection import MOVING

PUBLIC, STAFF = Wanted(staff=False), Wanted(staff=True)
SHOWN, REMOVED, NOTHING = Telling.SHOWN, Telling.REMOVED, Telling.NOTHING
HARBOR = Box(-74.05, 40.65, -74.01, 40.70)


@pytest.mark.parametrize(
    ("now", "public", "staff"),
    [
        ({}, SHOWN, SHOWN),
        ({"exact": False}, NOTHING, SHOWN),
        ({"point": None}, NOTHING, SHOWN),
        ({"is_master": False}, NOTHING, NOTHING),
    ],
    ids=["exact", "not exact", "not located", "a duplicate"],
)
def test_the_public_hears_of_what_is_exact_and_located(
    now: dict[str, object], public: Telling, staff: Telling
) -> None:
    assert PUBLIC.telling(map_event(**now)) is public
    assert STAFF.telling(map_event(**now)) is staff


@pytest.mark.parametrize(
    ("kind", "now"),
    [
        ("visibility_changed", {"exact": False}),
        ("category_changed", {"exact": False, "category": "noise"}),
        ("duplicate_linked", {"is_master": False}),
        ("location_changed", {"point": None}),
    ],
)
def test_what_was_exact_and_leaves_is_removed(kind: str, now: dict[str, object]) -> None:
    assert PUBLIC.telling(map_event(1, 4, kind, place(), **now)) is REMOVED


@pytest.mark.parametrize("kind", sorted(LEAVING))
@pytest.mark.parametrize("before", [place(exact=False), None], ids=["area", "unknown"])
def test_the_public_never_hears_of_what_it_did_not_see(kind: str, before: object) -> None:
    event = map_event(1, 4, kind, before, exact=False)  # type: ignore[arg-type]
    assert PUBLIC.telling(event) is NOTHING


def test_a_request_that_leaves_a_filter_is_removed_there_and_shown_elsewhere() -> None:
    moved = map_event(1, 3, "category_changed", place(), category="graffiti")
    assert Wanted(False, frozenset({"pothole"})).telling(moved) is REMOVED
    assert Wanted(False, frozenset({"graffiti"})).telling(moved) is SHOWN
    assert Wanted(False, frozenset({"noise"})).telling(moved) is NOTHING
    gone = map_event(1, 3, "location_changed", place(point=(-74.02, 40.68)))
    assert Wanted(False, box=HARBOR).telling(gone) is REMOVED
    assert Wanted(False, box=Box(-74.01, 40.70, -73.9, 40.8)).telling(gone) is SHOWN


def test_internal_events_are_for_staff() -> None:
    assert PUBLIC.telling(map_event(1, 2, "policy_changed")) is NOTHING
    assert STAFF.telling(map_event(1, 2, "policy_changed")) is SHOWN


def test_what_is_withdrawn_is_for_staff() -> None:
    event = map_event()
    event.withdrawn = True
    assert PUBLIC.telling(event) is NOTHING
    assert STAFF.telling(event) is SHOWN


def test_staff_with_a_box_see_only_what_lies_in_it() -> None:
    assert Wanted(True, box=HARBOR).telling(map_event()) is NOTHING
    assert Wanted(True, box=HARBOR).telling(map_event(point=None)) is NOTHING


def test_a_box_across_the_antimeridian_holds_both_sides() -> None:
    fiji = Wanted(False, box=Box(170.0, -20.0, -170.0, -10.0))
    assert fiji.shows(place(point=(179.9, -15.0)))
    assert fiji.shows(place(point=(-179.9, -15.0)))
    assert not fiji.shows(place(point=DOWNTOWN))


def test_whatever_leaves_moves() -> None:
    assert LEAVING <= MOVING


@given(st.lists(st.integers(0, 10**18 - 1), min_size=1, max_size=64).map(tuple))
def test_a_position_is_read_as_it_was_written(offsets: tuple[int, ...]) -> None:
    position = Position(log_name("cluster", "topic"), offsets)
    assert parse_position(str(position)) == position


@given(st.text() | st.from_regex(r"[0-9a-f]{16}~[0-9.]{0,30}", fullmatch=True))
def test_garbage_is_no_position_and_no_crash(text: str) -> None:
    position = parse_position(text)
    assert position is None or str(Position(position.log, position.offsets)).startswith(text[:17])


@pytest.mark.parametrize("text", ["", "a" * 16, "A" * 16 + "~1", "a" * 16 + "~1\n", "~", "१" * 16])
def test_near_misses_are_no_positions(text: str) -> None:
    assert parse_position(text) is None


def test_logs_differ_by_broker_and_topic() -> None:
    names = {log_name("one", "t"), log_name("two", "t"), log_name("one", "x.t")}
    assert len(names) == 3
