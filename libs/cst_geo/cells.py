"""H3 cells: a point's leaf cell, coarser cells above it, and their outlines."""

from __future__ import annotations

import math

import h3

from cst_geo.points import EARTH_RADIUS_M, haversine_m, validate_lon_lat

#: Resolution of the cell stored with every request (edge about 66 m).
LEAF_RESOLUTION = 10
#: No cell that holds a pole has a corner farther from it than this latitude.
_NEAR_POLE = 60.0
#: The centres of a cell's leaves lie at most 1.13 of its resolution's mean edges from its own
#: centre: measured everywhere, pentagons and what lies around them included.
_REACH_EDGES = 1.3


def leaf_cell(lon: float, lat: float) -> str:
    """Return the resolution-10 H3 cell that holds the point (degrees).

    Raises:
        CoordinateError: the point is no place on Earth.
    """
    lon, lat = validate_lon_lat(lon, lat)
    cell: str = h3.latlng_to_cell(lat, lon, LEAF_RESOLUTION)
    return cell


def parent(cell: str, res: int) -> str:
    """Return the ancestor of ``cell`` at resolution ``res`` (0 coarsest; at most the cell's own).

    Coarse cells are always taken this way, never from the point: H3 cells do not nest exactly, so
    the cell of a point and the ancestor of its leaf cell differ for some 5 % of points.

    Raises:
        ValueError: ``cell`` is no H3 cell, or ``res`` is finer than it or below 0.
    """
    _check(cell)
    own = h3.get_resolution(cell)
    if not 0 <= res <= own:
        raise ValueError(f"resolution must lie between 0 and {own} for cell {cell}, got {res}")
    ancestor: str = h3.cell_to_parent(cell, res)
    return ancestor


def leaves_within(lon: float, lat: float, radius_m: float) -> list[str]:
    """Return the leaf cells that hold every point within ``radius_m`` metres, and few others.

    Whatever lies within the radius of a point has its own leaf cell among these, also across the
    borders of cells.
    """
    own = leaf_cell(lon, lat)
    edge, reach = _edge_and_reach_m(own)
    # Two points whose cells are n steps apart lie at least 1.5 n edges less twice a corner's
    # distance from its centre apart, so these steps leave nobody out.
    steps = math.ceil((radius_m / edge + 0.5) / 1.5)
    limit = radius_m + reach
    return sorted(
        cell
        for cell in h3.grid_disk(own, steps)
        if cell == own or haversine_m(lon, lat, *center(cell)) <= limit
    )


def _edge_and_reach_m(cell: str) -> tuple[float, float]:
    """The shortest edge of a cell and its farthest corner, with 10 % for what neighbours differ."""
    corners = [(lon, lat) for lat, lon in h3.cell_to_boundary(cell)]
    edges = (haversine_m(*a, *b) for a, b in zip(corners, corners[1:] + corners[:1], strict=True))
    reach = max(haversine_m(*center(cell), *corner) for corner in corners)
    return min(edges) * 0.9, reach * 1.1


def boundary_ring(cell: str) -> list[list[float]]:
    """Return the outline of ``cell`` as a closed, counter-clockwise GeoJSON ring of [lon, lat].

    A cell across the antimeridian keeps its shape: its longitudes run on past ±180 instead of
    jumping to the other side of the map. One that holds a pole reaches from -180 to 180 and to it.

    Raises:
        ValueError: ``cell`` is no H3 cell.
    """
    _check(cell)
    ring = [[lon, lat] for lat, lon in h3.cell_to_boundary(cell)]
    first_lon, first_lat = ring[0]
    pole = math.copysign(90.0, first_lat)
    if abs(first_lat) > _NEAR_POLE and h3.latlng_to_cell(pole, 0, h3.get_resolution(cell)) == cell:
        return _cap(sorted(ring), pole)
    for vertex in ring:
        if vertex[0] - first_lon > 180:
            vertex[0] -= 360
        elif vertex[0] - first_lon < -180:
            vertex[0] += 360
    return [*ring, list(ring[0])]


def _cap(corners: list[list[float]], pole: float) -> list[list[float]]:
    """Close ``corners``, which go round a pole from west to east, along the map's edge."""
    (first_lon, first_lat), (last_lon, last_lat) = corners[0], corners[-1]
    share = (180.0 - last_lon) / (first_lon + 360.0 - last_lon)
    lat = last_lat + share * (first_lat - last_lat)
    around = [[-180.0, lat], *corners, [180.0, lat]]
    ring = [*around, [180.0, pole], [-180.0, pole]]
    return [*(ring if pole > 0 else reversed(ring)), list(ring[0] if pole > 0 else ring[-1])]


def center(cell: str) -> tuple[float, float]:
    """Return the centre of ``cell`` as (lon, lat) in degrees.

    Raises:
        ValueError: ``cell`` is no H3 cell.
    """
    _check(cell)
    lat, lon = h3.cell_to_latlng(cell)
    return float(lon), float(lat)


def reach_degrees(res: int) -> float:
    """Return how far, in degrees of a great circle, a cell's leaves may lie from its centre."""
    edge_m = float(h3.average_hexagon_edge_length(res, unit="m"))
    return _REACH_EDGES * math.degrees(edge_m / EARTH_RADIUS_M)


def _check(cell: str) -> None:
    try:
        valid = h3.is_valid_cell(cell)
    except OverflowError:
        # H3 answers False for text that is no number, but fails on one of more than 64 bits.
        valid = False
    if not valid:
        raise ValueError(f"not an H3 cell: {cell!r}")
