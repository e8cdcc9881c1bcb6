"""Hot cells and the clusters they form.

A cell is hot where it and its neighbours together hold more than chance would put there: the
statistic of Getis and Ord, Gi*, over the cells that hold something and the empty ones within two
steps of these: a lone cluster needs surroundings that it stands out from, the sea does not count.
Cells that share an edge are one cluster. H3 knows its neighbours across the antimeridian and around
pentagons, so nothing here reckons with degrees but the outlines.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import h3

from cst_geo.cells import center

#: A z-score that chance exceeds in 2.5 of 100 cells.
MIN_Z = 1.96
#: Steps from a cell that holds something to the empty ones that count.
AROUND = 2
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Heat:
    """Gi* as z-scores of the cells that hold something, and what they were reckoned from.

    Attributes:
        scores: by cell.
        cells: how many cells were looked at, the empty ones around the others among them.
        mean: of what these hold.
        deviation: the standard deviation of what these hold.
    """

    scores: dict[str, float]
    cells: int
    mean: float
    deviation: float


def gi_star(values: Mapping[str, float]) -> Heat:
    """Return how hot the cells are that hold something.

    Args:
        values: by cell, all of one resolution; others within ``AROUND`` steps count as empty.
    """
    held = {cell: value for cell, value in values.items() if value > 0}
    disks = {cell: h3.grid_disk(cell, 1) for cell in held}
    cells = len({near for cell in held for near in h3.grid_disk(cell, AROUND)})
    mean = sum(held.values()) / cells if cells else 0.0
    square = sum(value * value for value in held.values()) / cells if cells else 0.0
    deviation = math.sqrt(max(square - mean * mean, 0.0))
    scores = {}
    for cell, disk in disks.items():
        # Weights are all 1, so their sum is the sum of their squares. The disk may be everything.
        scale = math.sqrt(len(disk) * (cells - len(disk)) / max(cells - 1, 1)) * deviation
        above = sum(held.get(near, 0.0) for near in disk) - mean * len(disk)
        scores[cell] = above / scale if scale > 0 else 0.0
    return Heat(scores, cells, mean, deviation)


def connected(cells: Collection[str]) -> Iterator[list[str]]:
    """Yield the connected parts of some cells of one resolution, each in order."""
    left = set(cells)
    for start in sorted(cells):
        if start not in left:
            continue
        left.discard(start)
        part, edge = [start], [start]
        while edge:
            near = left.intersection(h3.grid_disk(edge.pop(), 1))
            left -= near
            part.extend(near)
            edge.extend(near)
        yield sorted(part)


def hull(cells: Collection[str]) -> dict[str, Any]:
    """Return the outline of connected cells as a GeoJSON geometry: their union, holes left out.

    Across the antimeridian its longitudes run on past ±180, as those of a cell's outline do.
    """
    about = center(min(cells))[0]
    shape = h3.cells_to_geo(sorted(cells))
    polygons = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
    moved = [[[[unwrapped(lon, about), lat] for lon, lat in ring] for ring in p] for p in polygons]
    if len(moved) == 1:
        return {"type": "Polygon", "coordinates": moved[0]}
    return {"type": "MultiPolygon", "coordinates": moved}


def middle(values: Mapping[str, float]) -> Point:
    """Return the mean (lon, lat) of cells' centres, weighted by their values."""
    about = center(min(values))[0]
    total = sum(values.values())
    places = {cell: center(cell) for cell in values}
    lon = sum(unwrapped(places[cell][0], about) * value for cell, value in values.items()) / total
    lat = sum(places[cell][1] * value for cell, value in values.items()) / total
    return unwrapped(lon, 0.0), lat


def unwrapped(lon: float, about: float) -> float:
    """Return a longitude as one within 180 degrees of another."""
    return lon - 360 * round((lon - about) / 360)
