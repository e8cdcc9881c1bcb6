"""A heatmap: hexagons with their figures, and the forms in which it is told."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

import orjson

from cst_core.errors import InvalidInput
from cst_geo import boundary_ring
from cst_geo_analytics.domain.queries import COARSEST, HeatmapQuery

#: Names of cached heatmaps begin with this, and no other feed's.
CACHED = "heatmap-"
FormatName = Literal["geojson", "cells", "png"]
#: More hexagons than these are refused: no map shows them, and no phone takes them.
LIMITS: dict[FormatName, int] = {"geojson": 20_000, "cells": 100_000, "png": 20_000}
MOST = max(LIMITS.values())

#: A city's cells come again and again. Their outlines as tuples, since many answers share them.
ring = lru_cache(20_000)(lambda cell: tuple(tuple(corner) for corner in boundary_ring(cell)))


@dataclass(frozen=True, slots=True)
class Hexagon:
    """A cell with what is shown of it."""

    cell: str
    count: int
    weight: int | float


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Hexagons in order of their cells.

    Attributes:
        name: of the feed.
        generated_at: when the figures became what they are, as far as the cache reaches back.
        filters: what was asked for, and what was left out.
        formula: of the weight, in words.
        level: H3 resolution.
        etag: digest of all of it.
    """

    name: str
    generated_at: datetime
    filters: dict[str, Any]
    formula: str
    level: int
    hexagons: tuple[Hexagon, ...]
    etag: str = ""

    def sealed(self) -> Heatmap:
        """Return it with its ``etag``."""
        parts = [self.name, self.generated_at, self.filters, self.formula, self.level]
        hexagons = [(each.cell, each.count, each.weight) for each in self.hexagons]
        plain = orjson.dumps([*parts, hexagons], option=orjson.OPT_SORT_KEYS)
        return replace(self, etag=hashlib.sha256(plain).hexdigest()[:32])

    def told_as_of(self, known: Heatmap) -> Heatmap:
        """Return ``known`` where it says the same; so an unchanged answer keeps its ETag."""
        same = replace(self, generated_at=known.generated_at).sealed().etag == known.etag
        return known if same else self

    def feed(self) -> dict[str, Any]:
        """Return it as a document of ``geo_feeds``: GeoJSON hexagons with count, weight, share."""
        total = sum(hexagon.weight for hexagon in self.hexagons)
        features = [_feature(hexagon, total) for hexagon in self.hexagons]
        return {
            "feed_name": self.name,
            "generated_at": self.generated_at,
            "filters": self.filters,
            "geojson": {"type": "FeatureCollection", "features": features},
            "aggregation": {
                "method": "h3",
                "weight_formula": self.formula,
                "tile_hint": f"h3:{self.level}",
            },
            "etag": self.etag,
        }

    def cells(self) -> dict[str, Any]:
        """Return the compact form: cell and weight only."""
        return {
            "resolution": self.level,
            "weight_formula": self.formula,
            "generated_at": self.generated_at,
            "filters": self.filters,
            "cells": [(hexagon.cell, hexagon.weight) for hexagon in self.hexagons],
            "etag": self.etag,
        }


def heatmap_of(feed: Mapping[str, Any]) -> Heatmap:
    """Return the heatmap that a document of ``geo_feeds`` tells; geometries are not needed."""
    properties = [feature["properties"] for feature in feed["geojson"]["features"]]
    return Heatmap(
        name=feed["feed_name"],
        generated_at=feed["generated_at"],
        filters=feed["filters"],
        formula=feed["aggregation"]["weight_formula"],
        level=int(feed["aggregation"]["tile_hint"].removeprefix("h3:")),
        hexagons=tuple(Hexagon(p["cell"], p["count"], p["weight"]) for p in properties),
        etag=feed["etag"],
    )


def check_size(count: int, query: HeatmapQuery, form: FormatName) -> None:
    """Raise ``InvalidInput`` where an answer would hold too many hexagons; it says what helps."""
    limit = LIMITS[form]
    if count <= limit:
        return
    more = f"more than {limit:,}" if count > MOST else f"{count:,}, more than {limit:,}"
    helps = ["a smaller bbox"]
    if query.level > COARSEST:
        helps.append(f"a resolution below {query.level}")
    if count <= LIMITS["cells"]:
        helps.append("format=cells")
    field, value = ("bbox", query.bbox) if query.bbox else ("resolution", query.level)
    raise InvalidInput.field(field, f"the answer would hold {more} hexagons", value, helps)


def _feature(hexagon: Hexagon, total: float) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": hexagon.cell,
        "geometry": {"type": "Polygon", "coordinates": [ring(hexagon.cell)]},
        "properties": {
            "cell": hexagon.cell,
            "count": hexagon.count,
            "weight": hexagon.weight,
            "share": round(hexagon.weight / total, 6) if total else 0.0,
        },
    }
