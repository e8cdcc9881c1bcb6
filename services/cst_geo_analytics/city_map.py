"""What the map page draws on: the city and its zones, made once per version of the city."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from dataclasses import dataclass

import orjson

from cst_city.catalog import Catalog
from cst_contracts.map_views import MapCategory, MapCity, MapConfig, MapTiles, ZoneOutlines
from cst_geo_analytics.domain.outlines import zone_features
from cst_process.core import Core


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON answer, plain and packed, with its strong ETag."""

    body: bytes
    packed: bytes
    etag: str


class CityMap:
    """Answers for the map page, from the catalog."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._made: tuple[str, Answer] | None = None
        # Lightening a city's zones takes a moment: who comes meanwhile waits for it.
        self._making = asyncio.Lock()

    async def config(self) -> MapConfig:
        """Return the time, the city, its categories, and the tiles that are set."""
        catalog, settings = await self._core.catalog.get(), self._core.settings
        city = catalog.city
        tiles = MapTiles(url=settings.map_tiles, attribution=settings.map_attribution)
        return MapConfig(
            now=self._core.clock.now(),
            city=MapCity(name=city.name, title=city.title, time_zone=city.timezone, bbox=city.bbox),
            categories=[
                MapCategory(code=each.code, name=each.name, public=each.public)
                for each in catalog.categories.values()
            ],
            tiles=tiles if settings.map_tiles else None,
        )

    async def zones(self) -> Answer:
        """Return the zones' outlines as GeoJSON."""
        catalog = await self._core.catalog.get()
        async with self._making:
            if self._made is None or self._made[0] != catalog.fingerprint:
                self._made = (catalog.fingerprint, await asyncio.to_thread(_outlines, catalog))
            return self._made[1]


def _outlines(catalog: Catalog) -> Answer:
    features = zone_features(catalog.zones.polygons, catalog.zone_names)
    body = orjson.dumps(ZoneOutlines.model_validate({"features": features}).model_dump())
    return Answer(body, gzip.compress(body), hashlib.sha256(body).hexdigest()[:32])
