"""What has changed between two spans, against scipy's tests and by what chance alone brings."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, false_discovery_control

from cst_geo_analytics.domain.trend import FALSE_SHARE, MIN_TOTAL, chance, changed

counts = st.integers(0, 200)


@given(counts, counts)
def test_the_chance_is_the_exact_tests(recent: int, before: int) -> None:
    expected = binomtest(recent, recent + before, 0.5).pvalue if recent + before else 1.0
    assert chance(recent, before) == pytest.approx(expected, rel=1e-9)
    assert chance(recent, before) == pytest.approx(chance(before, recent), rel=1e-9)


@given(st.lists(st.tuples(counts, counts), max_size=30))
def test_what_is_called_changed_is_benjamini_and_hochbergs(spans: list[tuple[int, int]]) -> None:
    found, tested = changed(dict(enumerate(spans)))
    eligible = {n: chance(*span) for n, span in enumerate(spans) if sum(span) >= MIN_TOTAL}
    adjusted = false_discovery_control(list(eligible.values())) if eligible else []
    expected = {n for n, p in zip(eligible, adjusted, strict=True) if p <= FALSE_SHARE}
    assert tested == len(eligible)
    assert found.keys() == expected


def test_what_grew_emerges_and_what_shrank_fades() -> None:
    found, _ = changed({"new": (40, 0), "up": (60, 20), "down": (5, 50), "same": (30, 29)})
    assert {key: change.recent > change.before for key, change in found.items()} == {
        "new": True,
        "up": True,
        "down": False,
    }
    assert (found["new"].ratio, found["up"].ratio) == (None, 3)


def test_chance_alone_is_seldom_called_a_change() -> None:
    rng = random.Random(8)

    def poisson() -> int:
        return sum(rng.random() < 0.02 for _ in range(1000))

    runs = [changed({n: (poisson(), poisson()) for n in range(40)})[0] for _ in range(40)]
    assert sum(bool(found) for found in runs) <= 40 * FALSE_SHARE * 3
