"""From leaf cells to a heatmap: roll-up by ``cell_to_parent``, and what the public may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cst_geo import boundary_ring, parent
from cst_ledger.events import Document

#: Publicity ``area`` shows at this resolution and coarser (edge about 1.4 km) …
AREA_RESOLUTION = 7
#: … and only where a cell has at least this many distinct places.
K_PLACES = 5

WEIGHT_FORMULAS = {
    "count": "number of requests",
    "priority": "sum of P1=8, P2=4, P3=2, P4=1",
}


@dataclass
class Cell:
    """Sums of one cell of the answer; ``area_places`` are leaf cells with ``area`` reports."""

    count: float = 0
    weight: float = 0
    area_count: float = 0
    area_weight: float = 0
    area_places: set[str] = field(default_factory=set)

    def add(self, row: Document) -> None:
        """Add a leaf's sums."""
        if row["public"] == "area":
            self.area_count += row["n"]
            self.area_weight += row["w"]
            self.area_places.add(row["cell"])
        else:
            self.count += row["n"]
            self.weight += row["w"]

    def shown(self, *, everything: bool) -> tuple[float, float]:
        """Return (count, weight) as the caller may see them."""
        if everything or len(self.area_places) >= K_PLACES:
            return self.count + self.area_count, self.weight + self.area_weight
        return self.count, self.weight


def visible(public: str, resolution: int, *, staff: bool) -> bool:
    """Tell whether sums of this publicity may enter an answer at this resolution at all."""
    if staff or public == "exact":
        return True
    return public == "area" and resolution <= AREA_RESOLUTION


def roll_up(rows: Iterable[Document], resolution: int, *, staff: bool) -> dict[str, Cell]:
    """Sum leaf rows ({cell, public, n, w}) into cells of ``resolution``."""
    cells: dict[str, Cell] = {}
    for row in rows:
        if visible(row["public"], resolution, staff=staff):
            cells.setdefault(parent(row["cell"], resolution), Cell()).add(row)
    return cells


def features(cells: dict[str, Cell], formula: str, *, staff: bool) -> list[dict[str, Any]]:
    """Return GeoJSON hexagons, ordered by cell; ``share`` is the part of the answer's weight."""
    shown = {cell: sums.shown(everything=staff) for cell, sums in sorted(cells.items())}
    by_count = formula == "count"
    total = sum(count if by_count else weight for count, weight in shown.values())
    return [
        _feature(cell, count, count if by_count else weight, total)
        for cell, (count, weight) in shown.items()
        if count > 0
    ]


def _feature(cell: str, count: float, weight: float, total: float) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": cell,
        "geometry": {"type": "Polygon", "coordinates": [boundary_ring(cell)]},
        "properties": {
            "cell": cell,
            "count": round(count),
            "weight": weight,
            "share": round(weight / total, 6) if total else 0.0,
        },
    }
