"""Places: points, zones and H3 cells. Pure functions of their input; order is always lon, lat."""

from cst_geo.boxes import Box
from cst_geo.cells import LEAF_RESOLUTION, boundary_ring, leaf_cell, leaves_within, parent
from cst_geo.points import CoordinateError, haversine_m, metres_per_degree, validate_lon_lat
from cst_geo.polygons import merge, to_polygon
from cst_geo.zones import Zone, ZoneHit, ZoneIndex, distance_m

__all__ = [
    "LEAF_RESOLUTION",
    "Box",
    "CoordinateError",
    "Zone",
    "ZoneHit",
    "ZoneIndex",
    "boundary_ring",
    "distance_m",
    "haversine_m",
    "leaf_cell",
    "leaves_within",
    "merge",
    "metres_per_degree",
    "parent",
    "to_polygon",
    "validate_lon_lat",
]
