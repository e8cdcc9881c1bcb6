"""Search: filters into a query, and cursors that name where a page ended."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
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
    shapes: list[dict[str, Any]] = []
    if query.bbox is not None:
        west, south, east, north = parse_bbox(query.bbox)
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        shapes.append({"$geometry": {"type": "Polygon", "coordinates": [ring]}})
    if query.near is not None and query.radius_m is not None:
        center = parse_point("near", query.near)
        shapes.append({"$centerSphere": [list(center), query.radius_m / EARTH_RADIUS_M]})
    if not shapes:
        return {}
    within = [{"location": {"$geoWithin": shape}} for shape in shapes]
    return {"location.located": True, "$and": within}


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
        created_at, oid = datetime.fromisoformat(created_text), ObjectId(oid_text)
    except (ValueError, TypeError, binascii.Error, InvalidId):
        raise InvalidInput.field("cursor", "is not a cursor of this API", cursor[:100]) from None
    path = "timestamps.created_at"
    return {"$or": [{path: {"$lt": created_at}}, {path: created_at, "_id": {"$lt": oid}}]}
