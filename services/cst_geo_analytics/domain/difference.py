"""What has changed between two snapshots of a feed: cells that rose, fell, came, went."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cst_geo import boundary_ring

Change = Literal["rose", "fell", "came", "went"]
#: A feature of a heatmap, with cell, count and weight among its properties; its outline may lack.
Feature = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a heatmap says of a cell; nothing is 0."""

    count: int = 0
    weight: float = 0.0


def difference(
    before: Iterable[Feature], after: Iterable[Feature]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Compare two heatmaps of the same cells and formula.

    Returns:
        The cells that have changed as GeoJSON features, in order of their cells, and totals: how
        many rose, fell, came, went and stayed, with counts and weights of both.
    """
    was, now = _by_cell(before), _by_cell(after)
    totals: dict[str, Any] = dict.fromkeys(("rose", "fell", "came", "went", "unchanged"), 0)
    changed = []
    for cell in sorted(was.keys() | now.keys()):
        earlier, later = _measured(was.get(cell)), _measured(now.get(cell))
        change = change_of(earlier, later)
        totals[change or "unchanged"] += 1
        if change is not None:
            changed.append(_feature(cell, change, earlier or Measured(), later or Measured()))
    return changed, totals | _sums("before", was) | _sums("after", now)


def change_of(before: Measured | None, after: Measured | None) -> Change | None:
    """Return what became of a cell (None: it is not there); None where nothing did.

    The weight decides, as it is what the map shows; where it is the same, the count.
    """
    if before is None or after is None:
        if before is after:
            return None
        return "came" if before is None else "went"
    # Weights that are sums of fractions differ by how they were added up.
    if not math.isclose(before.weight, after.weight, rel_tol=1e-9, abs_tol=1e-9):
        return "rose" if after.weight > before.weight else "fell"
    if before.count != after.count:
        return "rose" if after.count > before.count else "fell"
    return None


def _by_cell(features: Iterable[Feature]) -> dict[str, Feature]:
    return {feature["properties"]["cell"]: feature for feature in features}


def _measured(feature: Feature | None) -> Measured | None:
    if feature is None:
        return None
    return Measured(feature["properties"]["count"], feature["properties"]["weight"])


def _sums(when: str, features: Mapping[str, Feature]) -> dict[str, Any]:
    properties = [feature["properties"] for feature in features.values()]
    return {
        f"count_{when}": sum(each["count"] for each in properties),
        f"weight_{when}": math.fsum(each["weight"] for each in properties),
    }


def _feature(cell: str, change: Change, before: Measured, after: Measured) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": cell,
        "geometry": {"type": "Polygon", "coordinates": [boundary_ring(cell)]},
        "properties": {
            "cell": cell,
            "change": change,
            "count_before": before.count,
            "count_after": after.count,
            "count_change": after.count - before.count,
            "weight_before": before.weight,
            "weight_after": after.weight,
            "weight_change": after.weight - before.weight,
        },
    }
