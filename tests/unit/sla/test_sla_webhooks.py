"""Webhooks that fail are tried again with growing pauses, for a day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_sla.domain.webhooks import FIRST_PAUSE, LONGEST_PAUSE, TRIED_FOR, pause_after

lucks = st.floats(0, 1)


def test_pauses_double_up_to_the_longest() -> None:
    pauses = [pause_after(attempts, timedelta(0), 0) for attempts in range(1, 12)]
    assert [pause and pause.total_seconds() for pause in pauses] == [
        20,
        40,
        80,
        160,
        320,
        640,
        1280,
        2560,
        3600,
        3600,
        3600,
    ]


@given(st.integers(1, 10**6), lucks)
def test_luck_takes_half_of_a_pause_at_most(attempts: int, luck: float) -> None:
    longest, pause = (
        pause_after(attempts, timedelta(0), 0),
        pause_after(attempts, timedelta(0), luck),
    )
    assert longest is not None
    assert pause is not None
    assert longest / 2 <= pause <= longest
    assert FIRST_PAUSE / 2 <= pause <= LONGEST_PAUSE


@given(lucks)
def test_it_is_tried_for_a_day(luck: float) -> None:
    age, attempts = timedelta(0), 1
    while (pause := pause_after(attempts, age, luck)) is not None:
        age, attempts = age + pause, attempts + 1
    assert TRIED_FOR - LONGEST_PAUSE <= age <= TRIED_FOR
    assert attempts < 60


@pytest.mark.parametrize("late", [timedelta(0), timedelta(days=30)], ids=["a day", "a month"])
def test_what_is_older_is_given_up(late: timedelta) -> None:
    assert pause_after(1, TRIED_FOR + late, 0.5) is None
