"""Filters of requests as query parameters, checked against the city."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from cst_city.catalog import Catalog
from cst_contracts.enums import UNKNOWN_ZONE, PriorityName, StatusName
from cst_core.errors import InvalidInput


class RequestFilters(BaseModel):
    """What requests are filtered by; several values of one filter mean any of them."""

    model_config = ConfigDict(extra="forbid")

    category: list[str] = []
    status: list[StatusName] = []
    priority: list[PriorityName] = []
    zone_id: list[str] = []

    def check(self, catalog: Catalog) -> None:
        """Raise ``InvalidInput`` for a category or zone that the city does not have."""
        for code in self.category:
            catalog.category(code)
        for zone_id in self.zone_id:
            if zone_id != UNKNOWN_ZONE and zone_id not in catalog.zone_names:
                known = sorted(catalog.zone_names)
                raise InvalidInput.field("zone_id", "is not a zone of this city", zone_id, known)

    def wanted(self) -> dict[str, Any]:
        """Return the MongoDB filter."""
        names = ("category", "status", "priority", "zone_id")
        return {name: {"$in": getattr(self, name)} for name in names if getattr(self, name)}
