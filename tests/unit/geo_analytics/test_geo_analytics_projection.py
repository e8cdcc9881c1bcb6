"""Sums moved by events are those computed from the rows they leave, whatever happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import h3
from hypothesis import given
from hypothesis import strategies as st

from cst_contracts.enums import PRIORITIES, STATUSES
from cst_contracts.events import Facts
from cst_geo_analytics.domain.heatmap import K_PLACES, features, roll_up
from cst_geo_analytics.domain.projection import MOVING, Key, Row, cell_moves, row_of
from cst_geo_analytics.service import _inside, _leaf_bounds
from cst_ledger.ownership import MAY_CHANGE

LEAVES = sorted(h3.cell_to_children(h3.latlng_to_cell(40.71, -74.0, 8), 10))[:8]
instants = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)).map(
    lambda instant: instant.replace(microsecond=0)
)
WEIGHT = {"P1": 8, "P2": 4, "P3": 2, "P4": 1}


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    located = draw(st.booleans())
    created = draw(instants)
    hours = st.integers(-2, 500).map(lambda h: created + timedelta(hours=h))
    return Facts(
        category=draw(st.sampled_from(("pothole", "graffiti"))),
        zone_id=draw(st.sampled_from(("MN01", "UNKNOWN"))),
        h3=draw(st.sampled_from(LEAVES)) if located else None,
        located=located,
        priority=draw(st.sampled_from(PRIORITIES)),
        status=draw(st.sampled_from(STATUSES)),
        is_master=draw(st.booleans()),
        created_at=created,
        due_at=draw(st.none() | hours),
        resolved_at=draw(st.none() | hours),
        historic=False,
        public=draw(st.sampled_from(("exact", "area", "none"))),
    )


#: Events of some requests, in any interleaving: (request, facts after the event).
stories = st.lists(st.tuples(st.sampled_from("ABC"), facts()), max_size=25)
Totals = dict[Key, dict[str, float]]


def add(totals: Totals, deltas: Mapping[Key, Mapping[str, float]]) -> None:
    for key, sums in deltas.items():
        for name, value in sums.items():
            totals.setdefault(key, {})[name] = totals.get(key, {}).get(name, 0) + value


def left(totals: Totals) -> Totals:
    """Return what is not zero."""
    kept = {key: {n: v for n, v in sums.items() if v} for key, sums in totals.items()}
    return {key: sums for key, sums in kept.items() if sums}


def moved(story: list[tuple[str, Facts]], batch: int) -> tuple[dict[str, Row], Totals]:
    """Apply a story in batches, as the consumer does; return rows and cell sums."""
    rows: dict[str, Row] = {}
    cells: Totals = {}
    for start in range(0, len(story), batch):
        replaced = []
        for seq, (request, fact) in enumerate(story[start : start + batch], start):
            row = row_of(fact, seq)
            replaced.append((rows.get(request), row))
            rows[request] = row
        add(cells, cell_moves(replaced))
    return rows, left(cells)


def recomputed(rows: dict[str, Row]) -> Totals:
    """Compute the sums from the rows alone, by other code."""
    cells: Totals = {}
    for row in rows.values():
        if row["cell"] and row["is_master"]:
            weight = WEIGHT[row["priority"]]
            key = tuple(
                row[name]
                for name in ("cell", "category", "status", "priority", "zone_id", "public")
            )
            age = weight * row["created_at"].timestamp()
            add(cells, {key: {"n": 1, "w": weight, "wt": age}})
    return left(cells)


@given(stories, st.integers(1, 10))
def test_moved_sums_equal_recomputed_ones(story: list[tuple[str, Facts]], batch: int) -> None:
    rows, cells = moved(story, batch)
    assert cells == recomputed(rows)


@given(stories)
def test_batches_do_not_matter(story: list[tuple[str, Facts]]) -> None:
    assert moved(story, 1) == moved(story, len(story) or 1)


def leaf_rows(cells: Totals) -> list[dict[str, Any]]:
    """Return cell sums as the repository hands them to the heatmap."""
    grouped: defaultdict[tuple[str, str], dict[str, float]] = defaultdict(lambda: {"n": 0, "w": 0})
    for key, sums in cells.items():
        into = grouped[key[0], key[5]]
        into["n"] += sums["n"]
        into["w"] += sums["w"]
    return [{"cell": c, "public": p, **sums} for (c, p), sums in grouped.items()]


@given(stories, st.integers(5, 10))
def test_the_staffs_map_counts_every_located_master(
    story: list[tuple[str, Facts]], resolution: int
) -> None:
    rows, cells = moved(story, 5)
    hexagons = features(roll_up(leaf_rows(cells), resolution, staff=True), "count", staff=True)
    expected: defaultdict[str, int] = defaultdict(int)
    for row in rows.values():
        if row["cell"] and row["is_master"]:
            expected[h3.cell_to_parent(row["cell"], resolution)] += 1
    assert {h["id"]: h["properties"]["count"] for h in hexagons} == expected
    shares = sum(h["properties"]["share"] for h in hexagons)
    assert not hexagons or abs(shares - 1) < 1e-4


def area(leaf: str, count: int = 1, public: str = "area") -> dict[str, Any]:
    return {"cell": leaf, "public": public, "n": count, "w": 2 * count}


def public_map(rows: list[dict[str, Any]], resolution: int) -> dict[str, int]:
    hexagons = features(roll_up(rows, resolution, staff=False), "count", staff=False)
    return {h["id"]: h["properties"]["count"] for h in hexagons}


def test_an_area_needs_k_places_and_a_coarse_cell() -> None:
    few, enough = [[area(leaf, 9) for leaf in LEAVES[:n]] for n in (K_PLACES - 1, K_PLACES)]
    cell = h3.cell_to_parent(LEAVES[0], 7)
    assert public_map(few, 7) == {}
    assert public_map(enough, 7) == {cell: 9 * K_PLACES}
    assert public_map(enough, 8) == {}
    mixed = [*few, area(LEAVES[0], 3, "exact"), area(LEAVES[1], 5, "none")]
    assert public_map(mixed, 7) == {cell: 3}


@given(
    st.floats(-74.27, -73.68), st.floats(40.48, 40.93), st.floats(0.001, 0.3), st.integers(5, 10)
)
def test_a_box_reads_every_leaf_of_the_cells_in_it(
    west: float, south: float, size: float, resolution: int
) -> None:
    box = (west, south, west + size, south + size)
    bounds = _leaf_bounds(box, resolution)
    for parent in h3.grid_disk(h3.latlng_to_cell(south + size, west + size, resolution), 1):
        if not _inside(box, parent):
            continue
        edge = {c for leaf in h3.cell_to_boundary(parent) for c in [h3.latlng_to_cell(*leaf, 10)]}
        for leaf in edge:
            lat, lon = h3.cell_to_latlng(leaf)
            assert bounds["lon"]["$gte"] <= lon <= bounds["lon"]["$lte"]
            assert bounds["lat"]["$gte"] <= lat <= bounds["lat"]["$lte"]


def test_every_event_that_may_change_a_fact_moves_rows() -> None:
    facts = (
        "status",
        "category",
        "priority",
        "location.zone_id",
        "location.h3",
        "location.located",
        "duplicates.is_master",
        "due_at",
        "timestamps.resolved_at",
        "public",
    )
    changing = {
        name
        for name, owned in MAY_CHANGE.items()
        if owned == ("*",)
        or any(path == fact or fact.startswith(f"{path}.") for path in owned for fact in facts)
    }
    assert changing == MOVING
