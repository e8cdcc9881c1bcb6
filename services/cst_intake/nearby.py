"""What is open around a point, shown before somebody files another report of it."""

from __future__ import annotations

import heapq
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from cst_contracts.duplicates import NearbyRequest, NearbyRequests
from cst_contracts.enums import OPEN_STATUSES
from cst_core.errors import InvalidInput
from cst_geo import haversine_m, leaves_within
from cst_http.tokens import Caller
from cst_intake.repository import IntakeRepository
from cst_ledger.events import Document
from cst_process.core import Core

#: Shown at most.
LIMIT = 20
#: How far is looked at least: what a category takes for one thing may be less than people see.
MIN_RADIUS_M = 30.0
_OPEN = sorted(OPEN_STATUSES)


class NearbyQuery(BaseModel):
    """Query parameters of ``GET /requests/nearby``."""

    model_config = ConfigDict(extra="forbid")

    lon: float = Field(ge=-180, le=180, allow_inf_nan=False)
    lat: float = Field(ge=-90, le=90, allow_inf_nan=False)
    category: str = Field(min_length=1, max_length=80)


class Nearby:
    """Finds open requests around a point."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._repository = IntakeRepository(core.db)

    async def nearby(self, query: NearbyQuery, caller: Caller) -> NearbyRequests:
        """Return the open masters of a category within its radius, nearest first.

        The public sees what is public to the point; staff and agents all.

        Raises:
            InvalidInput: unknown category, or a point outside the service area.
        """
        catalog = await self._core.catalog.get()
        category = catalog.category(query.category)
        if catalog.zones.locate(query.lon, query.lat) is None:
            raise InvalidInput.field(
                "lon,lat",
                f"is outside the service area of {catalog.city.title}",
                [query.lon, query.lat],
                [f"longitude, latitude within {list(catalog.city.bbox)}"],
            )
        radius = max(category.radius_m, MIN_RADIUS_M)
        wanted: dict[str, Any] = {
            "category": category.code,
            "location.h3": {"$in": leaves_within(query.lon, query.lat, radius)},
            "status": {"$in": _OPEN},
            "duplicates.is_master": True,
            "historic": False,
            "location.located": True,
        }
        if not (caller.is_staff or "agent" in caller.roles):
            wanted["public"] = "exact"
        near = ((_distance(query, row), row) async for row in self._repository.nearby(wanted))
        within = [(metres, row) async for metres, row in near if metres <= radius]
        nearest = heapq.nsmallest(LIMIT, within, key=lambda pair: (pair[0], pair[1]["request_id"]))
        return NearbyRequests(radius_m=radius, items=[_item(row, m) for m, row in nearest])


def _distance(query: NearbyQuery, row: Document) -> float:
    return haversine_m(query.lon, query.lat, *row["location"]["coordinates"])


def _item(row: Document, metres: float) -> NearbyRequest:
    return NearbyRequest(
        request_id=row["request_id"],
        category=row["category"],
        status=row["status"],
        created_at=row["timestamps"]["created_at"],
        due_at=row["due_at"],
        coordinates=row["location"]["coordinates"],
        distance_m=round(metres, 1),
        supporters=row["supporters"],
    )
