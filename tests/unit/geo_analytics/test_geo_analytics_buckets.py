"""Buckets of durations: each in its own, and medians from them close to the exact ones."""

from __future__ import annotations

import math
import statistics
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_geo_analytics.domain.buckets import LONGEST, RATIO, bounds, bucket_of, quantile

minutes = st.floats(0, LONGEST) | st.integers(0, 10_000).map(float)


@given(minutes)
def test_a_duration_lies_within_its_bucket(duration: float) -> None:
    start, end = bounds(bucket_of(duration))
    assert start <= duration < end
    assert start == 0 or end == math.inf or end / start == pytest.approx(RATIO)


@given(minutes, minutes)
def test_longer_ones_are_in_no_earlier_bucket(one: float, other: float) -> None:
    assert (bucket_of(one) <= bucket_of(other)) or one > other


@given(st.lists(minutes, min_size=1))
def test_a_median_of_buckets_is_in_the_bucket_of_the_exact_one(durations: list[float]) -> None:
    found = quantile(Counter(map(bucket_of, durations)), 0.5)
    start, end = bounds(bucket_of(statistics.median_low(durations)))
    assert found is not None
    assert start <= found <= end


def test_the_ends() -> None:
    assert (bucket_of(-5), bucket_of(0), bucket_of(0.99), bucket_of(1)) == (0, 0, 0, 1)
    last = bucket_of(math.inf)
    assert bounds(last)[0] >= LONGEST
    assert quantile({last: 3}, 0.5) == bounds(last)[0]
    assert quantile({}, 0.5) is None
    assert quantile({4: 0}, 0.5) is None
    assert quantile({0: 2}, 0) == 0
    for wrong in (-1, last + 1):
        with pytest.raises(IndexError):
            bounds(wrong)
