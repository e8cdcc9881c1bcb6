"""The heatmap."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Query, Response
from pydantic import Field

from cst_contracts.heatmap_views import HeatmapCells, HeatmapFeed
from cst_core.errors import InvalidInput
from cst_geo_analytics.api.deps import Heatmaps, PictureMaker
from cst_geo_analytics.domain.heatmap import FormatName, Heatmap
from cst_geo_analytics.domain.queries import HeatmapQuery
from cst_geo_analytics.heatmap.pictures import HEIGHT, LEAST, MOST, WIDTH
from cst_http.auth import AnyCaller
from cst_http.etags import has_already

router = APIRouter()

Pixels = Annotated[int, Field(ge=LEAST, le=MOST, description="Pixels, with format=png")]
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "GeoJSON hexagons; with format=cells cells and weights only",
        "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
    },
    304: {"description": "Not changed since the ETag in If-None-Match"},
}


class HeatmapParams(HeatmapQuery):
    """What is asked for, and how it is to be told."""

    format: FormatName = "geojson"
    width: Pixels = WIDTH
    height: Pixels = HEIGHT

    def check_form(self) -> None:
        """Raise ``InvalidInput`` for a size of what has none."""
        for name in ("width", "height"):
            if name in self.model_fields_set and self.format != "png":
                value = getattr(self, name)
                raise InvalidInput.field(name, "goes with format=png", value, ["format=png"])


@router.get("/geofeeds/heatmap", response_model=HeatmapFeed | HeatmapCells, responses=_RESPONSES)
async def heatmap(
    query: Annotated[HeatmapParams, Query()],
    heatmaps: Heatmaps,
    pictures: PictureMaker,
    caller: AnyCaller,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Return H3 hexagons with count, weight and share; the public sees what it may.

    Days are the city's, of creation; hexagons by day are no finer than resolution 8. `zoom` takes
    the place of `resolution`. The weight's formula is named in the answer.
    """
    query.check_form()
    found = await heatmaps.get(query, staff=caller.is_staff, form=query.format)
    tag = found.etag if query.format == "geojson" else f"{found.etag}-{query.format}"
    if query.format == "png":
        tag = await pictures.tag(found, query.width, query.height)
    audience = "private" if caller.is_staff else "public"
    headers = {
        "ETag": f'"{tag}"',
        "Vary": "Authorization",
        "Cache-Control": f"{audience}, no-cache",
    }
    if has_already(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    if query.format == "png":
        picture = await pictures.draw(found, query.width, query.height)
        return Response(picture, media_type="image/png", headers=headers)
    body = await asyncio.to_thread(json_of, found, query.format)
    return Response(body, media_type="application/json", headers=headers)


def json_of(found: Heatmap, form: FormatName) -> bytes:
    """Return a heatmap as JSON; equal heatmaps give equal bytes."""
    told = found.cells() if form == "cells" else found.feed()
    return orjson.dumps(told, option=orjson.OPT_UTC_Z)
