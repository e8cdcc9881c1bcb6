"""Search: filters into a query, and cursors that name where a page ended."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from bson import ObjectId
from bson.errors import InvalidId
from pydantic import BaseModel, ConfigDict, Field

from cst_contracts.base import Instant, ObjectIdStr
from cst_contracts.enums import PriorityName, StatusName
from cst_core.errors import InvalidInput
from cst_geo.params import parse_bbox, parse_point
from cst_geo.points import EARTH_RADIUS_M

MAX_RADIUS_M = 50_000
#: Boxes up to this width, in radians, are searched by the index on the sphere.
MAX_INDEXED_WIDTH = math.radians(10)


class SearchQuery(BaseModel):
    """Query parameters of ``GET /requests``; several values of one filter mean any of them."""

    model_config = ConfigDict(extra="forbid")

    status: list[StatusName] = []
    category: list[str] = []
    priority: list[PriorityName] = []
    zone_id: list[str] = []
    bbox: str | None = Field(default=None, description="west,south,east,north in degrees")
    near: str | None = Field(default=None, description="lon,lat; goes with radius_m")
    radius_m: float | None = Field(default=None, gt=0, le=MAX_RADIUS_M)
    created_from: Instant | None = None
    created_to: Instant | None = Field(default=None, description="exclusive")
    assigned_agent_id: ObjectIdStr | None = Field(default=None, description="staff and agents")
    is_master: bool | None = None
    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = None


def build_filter(query: SearchQuery) -> dict[str, Any]:
    """Return the MongoDB filter of a search (without its cursor)."""
    wanted: dict[str, Any] = {}
    lists: dict[str, Sequence[str]] = {
        "status": query.status,
        "category": query.category,
        "priority": query.priority,
        "location.zone_id": query.zone_id,
    }
    for path, values in lists.items():
        if values:
            wanted[path] = {"$in": list(values)}
    if query.assigned_agent_id is not None:
        wanted["assignment.assigned_agent_id"] = ObjectId(query.assigned_agent_id)
    if query.is_master is not None:
        wanted["duplicates.is_master"] = query.is_master
    created = {"$gte": query.created_from, "$lt": query.created_to}
    if any(created.values()):
        wanted["timestamps.created_at"] = {k: v for k, v in created.items() if v is not None}
    return wanted | _place(query)


def _place(query: SearchQuery) -> dict[str, Any]:
    if (query.near is None) != (query.radius_m is None):
        raise InvalidInput.field("near", "near and radius_m go together", query.near)
    places: list[dict[str, Any]] = []
    if query.bbox is not None:
        places += _in_box(*parse_bbox(query.bbox))
    if query.near is not None and query.radius_m is not None:
        center = parse_point("near", query.near)
        circle = {"$centerSphere": [list(center), query.radius_m / EARTH_RADIUS_M]}
        places.append({"location": {"$geoWithin": circle}})
    return {"location.located": True, "$and": places} if places else {}


def _in_box(west: float, south: float, east: float, north: float) -> list[dict[str, Any]]:
    """The box itself, and for the index's sake a polygon around it.

    A polygon alone would be another shape: its edges are great circles, which in the north leave
    their parallel northwards. Very wide ones MongoDB reads as the rest of the globe.
    """
    exact = {
        "location.coordinates.0": {"$gte": west, "$lte": east},
        "location.coordinates.1": {"$gte": south, "$lte": north},
    }
    width = math.radians(east - west)
    if width > MAX_INDEXED_WIDTH:
        return [exact]
    margin = math.degrees(width**2 / 16) * 1.1
    low, high = max(south - margin, -90), min(north + margin, 90)
    ring = [[west, low], [east, low], [east, high], [west, high], [west, low]]
    around = {"$geometry": {"type": "Polygon", "coordinates": [ring]}}
    return [exact, {"location": {"$geoWithin": around}}]


def make_cursor(created_at: datetime, oid: ObjectId) -> str:
    """Return the cursor of the last item of a page."""
    raw = orjson.dumps([created_at.isoformat(), str(oid)])
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def after_cursor(cursor: str) -> dict[str, Any]:
    """Return the filter of what comes after ``cursor`` (newest first).

    Raises:
        InvalidInput: it is not one of ours.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        created_text, oid_text = orjson.loads(base64.urlsafe_b64decode(padded))
        created_at = datetime.fromisoformat(created_text).astimezone(UTC)
        oid = ObjectId(oid_text)
    except (ValueError, OverflowError, TypeError, binascii.Error, InvalidId):
        raise InvalidInput.field("cursor", "is not a cursor of this API", cursor[:100]) from None
    path = "timestamps.created_at"
    return {"$or": [{path: {"$lt": created_at}}, {path: created_at, "_id": {"$lt": oid}}]}
