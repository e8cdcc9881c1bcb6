"""Medians of buckets against exact ones, and how often their interval holds the true median."""

from __future__ import annotations

import random
import statistics
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_geo_analytics.domain.buckets import bucket_of
from cst_geo_analytics.domain.medians import FEW, median_minutes, median_of, median_ranks

minutes = st.floats(1, 10**6, allow_nan=False)


@given(st.lists(minutes, min_size=1, max_size=61))
def test_a_median_is_within_five_percent_of_the_exact_one(values: list[float]) -> None:
    found = median_minutes(Counter(map(bucket_of, values)))
    assert found == pytest.approx(statistics.median(values), rel=0.05)


@given(st.lists(minutes, min_size=FEW, max_size=60))
def test_the_interval_holds_the_values_at_its_ranks(values: list[float]) -> None:
    lower, upper = median_ranks(len(values))
    ordered, found = sorted(values), median_of(Counter(map(bucket_of, values)))
    assert found.low is not None
    assert found.high is not None
    assert found.low <= ordered[lower - 1] <= found.high
    assert found.low <= ordered[upper - 1] <= found.high
    assert found.minutes is not None
    assert found.low <= found.minutes <= found.high


def test_the_ranks_are_those_of_the_tables() -> None:
    """Conover, Practical Nonparametric Statistics: of 10, 20, 30 and 100 values."""
    assert [median_ranks(n) for n in (6, 10, 20, 30, 100)] == [
        (1, 6),
        (2, 9),
        (6, 15),
        (10, 21),
        (40, 61),
    ]
    with pytest.raises(ValueError, match="5 values"):
        median_ranks(5)


@pytest.mark.parametrize("count", [10, 37, 250])
def test_the_interval_covers_the_true_median(count: int) -> None:
    """Of a lognormal with the median 600 minutes; at least 95 % in the long run."""
    rng = random.Random(count)
    covered = 0
    for _ in range(1000):
        values = [600 * rng.lognormvariate(0, 1.5) for _ in range(count)]
        found = median_of(Counter(map(bucket_of, values)))
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 600 <= found.high
    assert covered >= 940


def test_few_values_have_no_median() -> None:
    few = median_of({3: FEW - 1, 7: 0, 9: -1})
    assert (few.count, few.few, few.minutes, few.low, few.high) == (FEW - 1, True, None, None, None)
    assert not median_of({3: FEW}).few
    assert median_of({}).few


def test_what_took_for_ever_has_a_finite_median() -> None:
    found = median_of({bucket_of(10**12): FEW})
    assert found.minutes == found.low == found.high
