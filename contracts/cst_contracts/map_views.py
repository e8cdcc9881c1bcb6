"""What the map page asks for: the city, and its zones as a base map."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from cst_contracts.base import Instant, Latitude, Longitude, Wire
from cst_contracts.enums import PublicityName


class MapCity(Wire):
    """The city; ``bbox`` is [west, south, east, north] in degrees."""

    name: str
    title: str
    time_zone: str = Field(examples=["America/New_York"])
    bbox: tuple[Longitude, Latitude, Longitude, Latitude]


class MapCategory(Wire):
    """A category; ``public`` says how much of its requests the public sees."""

    code: str
    name: str
    public: PublicityName


class MapTiles(Wire):
    """Raster tiles behind the zones, and whose they are."""

    url: str
    attribution: str


class MapConfig(Wire):
    """What the map page needs before it can draw.

    ``now`` is the time that the system goes by; ``tiles`` is null where no other host is asked.
    """

    now: Instant
    city: MapCity
    categories: list[MapCategory]
    tiles: MapTiles | None


class ZoneOutline(Wire):
    """A zone as a GeoJSON feature, lightened for maps.

    Its properties are ``zone_id``, ``name``, and ``lon``, ``lat`` of a point well inside it.
    """

    type: Literal["Feature"] = "Feature"
    id: str
    geometry: dict[str, Any]
    properties: dict[str, Any]


class ZoneOutlines(Wire):
    """The city's zones, ordered by ``zone_id``."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[ZoneOutline]
