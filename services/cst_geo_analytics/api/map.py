"""The map page, what it is made of, and what it asks for before it can draw."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from cst_contracts.map_views import MapConfig, ZoneOutlines
from cst_core.errors import NotFound
from cst_geo_analytics.api.deps import Maps
from cst_geo_analytics.map_page import NOTICE, PageFile, page_headers
from cst_http.etags import has_already

router = APIRouter(prefix="/map")

AcceptEncoding = Annotated[str, Header(max_length=500, include_in_schema=False)]
#: Assets have their content's hash in their names; all else is asked for again each time.
FOREVER, REVALIDATE = "public, max-age=31536000, immutable", "no-cache"


def _takes_gzip(accept: str) -> bool:
    return any(
        part.split(";")[0].strip() == "gzip" and not part.replace(" ", "").endswith(";q=0")
        for part in accept.split(",")
    )


def _answer(file: PageFile, accept: str, headers: dict[str, str]) -> FileResponse:
    """Send a file, packed where the caller takes it. In both forms it is another answer."""
    headers = {**headers, "Vary": "Accept-Encoding"}
    path = file.path
    if file.packed is not None and _takes_gzip(accept):
        path = file.packed
        headers["Content-Encoding"] = "gzip"
    return FileResponse(path, media_type=file.content_type, headers=headers)


@router.get("", include_in_schema=False)
def page(request: Request, maps: Maps, accept_encoding: AcceptEncoding = "") -> Response:
    """Return the page, or a notice how to build it (503)."""
    headers = page_headers(request.app.state.core.settings.map_tiles)
    headers["Cache-Control"] = REVALIDATE
    file = maps.page.index()
    if file is None:
        return HTMLResponse(NOTICE, 503, headers)
    return _answer(file, accept_encoding, headers)


@router.get("/assets/{name}", include_in_schema=False)
def asset(name: str, maps: Maps, accept_encoding: AcceptEncoding = "") -> Response:
    """Return a script, style or picture of the page."""
    file = maps.page.asset(name)
    if file is None:
        raise NotFound(f"the map page has no asset {name!r}")
    headers = {"Cache-Control": FOREVER, "X-Content-Type-Options": "nosniff"}
    return _answer(file, accept_encoding, headers)


@router.get("/config.json")
async def config(maps: Maps, response: Response) -> MapConfig:
    """Return what the map page needs first: the city, its categories, and its tiles if any."""
    response.headers["Cache-Control"] = REVALIDATE
    return await maps.city.config()


@router.get(
    "/zones.geojson",
    response_model=ZoneOutlines,
    responses={304: {"description": "Not changed since the ETag in If-None-Match"}},
)
async def zones(
    maps: Maps,
    accept_encoding: AcceptEncoding = "",
    if_none_match: Annotated[str | None, Header(max_length=500)] = None,
) -> Response:
    """Return the outlines of the city's zones, lightened for maps, as GeoJSON."""
    answer = await maps.city.zones()
    packed = _takes_gzip(accept_encoding)
    tag = f"{answer.etag}-gzip" if packed else answer.etag
    headers = {"ETag": f'"{tag}"', "Vary": "Accept-Encoding", "Cache-Control": REVALIDATE}
    if has_already(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    if packed:
        headers["Content-Encoding"] = "gzip"
    body = answer.packed if packed else answer.body
    return Response(body, media_type="application/json", headers=headers)
