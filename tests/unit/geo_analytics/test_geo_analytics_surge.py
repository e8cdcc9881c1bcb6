"""Surges against chance, against earlier ones, and against what crews type in."""

from __future__ import annotations

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nbinom, poisson

from cst_geo_analytics.domain.surge import (
    MIN_COUNT,
    MIN_HISTORY,
    UNSAID,
    Baseline,
    Day,
    baseline,
    judge,
)

STAFF = frozenset({"crew", "City Worker App"})
QUIET = [(0, 0), (1, 0), (0, 0), (2, 0), (1, 0)] * 12


def day(sources: dict[str, int], hours: dict[str, int] | None = None) -> Day:
    found = Day()
    count = sum(sources.values())
    found.add(count, sources, hours or {f"{9 + n:02}": 1 for n in range(12)})
    return found


@given(st.integers(1, 300), st.floats(0.01, 50), st.floats(0.5, 8))
def test_the_chance_is_the_tail_of_scipys_distributions(
    count: int, expected: float, lumps: float
) -> None:
    variance = expected * lumps
    found = Baseline(90, 0, expected, 9, expected, variance**0.5).chance(count)
    if variance > expected * (1 + 1e-9):
        size = expected**2 / (variance - expected)
        tail = nbinom.sf(count - 1, size, size / (size + expected))
    else:
        tail = poisson.sf(count - 1, expected)
    assert found == pytest.approx(max(tail, 1e-300), rel=1e-6)


@given(st.lists(st.integers(0, 400), min_size=2, max_size=90))
def test_more_is_never_more_likely(history: list[int]) -> None:
    found = baseline(history)
    chances = [found.chance(count) for count in (0, 1, 5, 20, 100, 1000)]
    assert chances == sorted(chances, reverse=True)
    assert all(0 < chance <= 1 for chance in chances)


@given(st.lists(st.integers(0, 400), min_size=2, max_size=90))
def test_the_numbers_of_a_baseline_are_the_historys(history: list[int]) -> None:
    found = baseline(history)
    assert found.days == len(history)
    assert found.most == max(history)
    assert found.median == statistics.median(history)
    assert found.mean == pytest.approx(statistics.mean(history))
    assert found.expected <= found.mean + 0.5 / len(history) + 1e-9
    assert found.spread > 0


def test_many_citizens_are_a_surge() -> None:
    verdict = judge(day({"app": 40, "crew": 5}), QUIET, STAFF)
    assert verdict is not None
    assert verdict.is_surge
    assert (verdict.whole.count, verdict.rest.count, verdict.typed_in) == (45, 40, 5)


def test_a_burst_main_within_an_hour_is_a_surge_too() -> None:
    verdict = judge(day({"app": 40}, {"17": 40}), QUIET, STAFF)
    assert verdict is not None
    assert verdict.is_surge


def test_what_crews_typed_in_is_none_and_says_why() -> None:
    verdict = judge(day({"City Worker App": 393, "app": 3}, {"07": 393, "15": 3}), QUIET, STAFF)
    assert verdict is not None
    assert not verdict.is_surge
    assert verdict.reasons == ("staff_entries", "one_hour")
    assert (verdict.typed_in, verdict.rest.count) == (393, 3)
    spread = judge(day({"crew": 120}), QUIET, STAFF)
    assert spread is not None
    assert spread.reasons == ("staff_entries",)


def test_a_file_without_sources_read_in_one_go_is_none() -> None:
    in_one_go = judge(day({UNSAID: 60, "app": 2}, {"03": 60, "15": 2}), QUIET, STAFF)
    all_day = judge(day({UNSAID: 60}), QUIET, STAFF)
    assert in_one_go is not None
    assert in_one_go.reasons == ("one_hour",)
    assert all_day is not None
    assert all_day.is_surge


def test_small_counts_and_short_histories_are_no_surge() -> None:
    never = [(0, 0)] * 60
    assert judge(day({"app": MIN_COUNT - 1}), never, STAFF) is None
    assert judge(day({"app": MIN_COUNT}), never, STAFF) is not None
    assert judge(day({"app": 500}), never[: MIN_HISTORY - 1], STAFF) is None


def test_an_earlier_surge_does_not_hide_the_next() -> None:
    history = [*QUIET, (90, 0), *QUIET[:20]]
    verdict = judge(day({"app": 35}), history, STAFF)
    assert verdict is not None
    assert verdict.whole.baseline.most == 90
    assert verdict.whole.baseline.expected < 1.2


def test_what_always_comes_in_lumps_needs_a_greater_one() -> None:
    lumps = [(20 if n % 6 == 0 else 0, 0) for n in range(60)]
    assert judge(day({"app": 22}), lumps, STAFF) is None


def test_crews_own_history_does_not_hide_citizens() -> None:
    """Crews type in 50 a day; one day citizens report 30 as well, who never do."""
    history = [(50 + n % 3, 50 + n % 3) for n in range(60)]
    verdict = judge(day({"crew": 51, "app": 30}), history, STAFF)
    assert verdict is not None
    assert verdict.is_surge
    assert not verdict.whole.stands_out


@pytest.mark.parametrize("mean", [0.2, 2, 15])
def test_chance_alone_hardly_ever_is_a_surge(mean: float) -> None:
    rng = random.Random(3)
    steps = 400

    def one() -> int:
        return sum(rng.random() < mean / steps for _ in range(steps))

    history = [(one(), 0) for _ in range(90)]
    assert not [n for _ in range(400) if judge(day({"app": (n := one())}), history, STAFF)]


def test_the_peak_is_the_first_of_the_greatest_hours() -> None:
    assert day({"app": 4}, {"09": 2, "08": 2}).peak == (8, 2)
    assert Day().peak == (None, 0)
    assert not Day().in_one_go
