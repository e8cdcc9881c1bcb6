"""Batch mode beats greedy dispatch in a storm, and how far and how long crews travel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_dispatch.domain.travel import SPEED_KMH, Point, distances_km, travel_hours
from cst_geo import haversine_m
from cst_testkit.storm import storm
from cst_testkit.surge import simulate

HERE, NEAR, FAR = (-74.0, 40.7), (-74.0, 40.71), (-74.0, 40.9)

points = st.none() | st.tuples(st.floats(-180, 180), st.floats(-90, 90))


def test_an_unknown_place_is_neither_preferred_nor_avoided() -> None:
    hours = travel_hours([HERE, None], [HERE, NEAR, FAR])
    assert hours[1].tolist() == [np.median(hours[0])] * 3
    assert travel_hours([None], [None, HERE]).tolist() == [[0.0, 0.0]]


@given(points, points)
def test_distances_are_those_of_the_geo_library(start: Point | None, end: Point | None) -> None:
    km = distances_km([start], [end])[0, 0]
    if start is None or end is None:
        assert np.isnan(km)
    else:
        assert km == pytest.approx(haversine_m(*start, *end) / 1000, abs=1e-3)
        assert travel_hours([start], [end])[0, 0] == pytest.approx(km / SPEED_KMH)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_in_a_surge_batch_mode_travels_less_and_is_less_late_than_greedy(seed: int) -> None:
    city = storm(seed, 500)
    greedy, batch = simulate(city, batch=False), simulate(city, batch=True)
    assert greedy.done == batch.done == 500
    assert batch.plans > 0
    assert batch.travel_km <= greedy.travel_km
    assert batch.lateness_hours <= greedy.lateness_hours


def test_the_same_seed_is_the_same_surge() -> None:
    assert simulate(storm(7, 200), batch=True) == simulate(storm(7, 200), batch=True)
