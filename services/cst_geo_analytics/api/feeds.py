"""Named map feeds and their snapshots."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import BaseModel

from cst_contracts.geo_snapshots import (
    FeedDifference,
    NamedFeed,
    NamedFeedPage,
    Snapshot,
    SnapshotCells,
    SnapshotInfo,
    SnapshotPage,
)
from cst_core.errors import InvalidInput
from cst_geo_analytics.api.deps import Feeds, PictureMaker
from cst_geo_analytics.domain.heatmap import FormatName, heatmap_of
from cst_geo_analytics.domain.snapshots import NAME_PATTERN, FeedPlan
from cst_geo_analytics.heatmap.pictures import Pictures
from cst_geo_analytics.snapshots.feeds import feed_view
from cst_http.auth import AnyCaller, Supervising
from cst_http.etags import has_already
from cst_ledger.events import Document

router = APIRouter(prefix="/geofeeds")

Name = Annotated[str, Path(pattern=NAME_PATTERN)]
Number = Annotated[int, Path(ge=1, le=999_999_999)]
Format = Annotated[
    FormatName, Query(alias="format", description="cells: cell and weight only; png: a picture")
]
IfNoneMatch = Annotated[str | None, Header()]
#: A snapshot's number, or an instant.
Reference = Annotated[str | None, Query(max_length=60)]
_MAP: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "GeoJSON hexagons; with format=cells cells and weights only",
        "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
    },
    304: {"description": "Not changed since the ETag in If-None-Match"},
}


@router.get("")
async def list_feeds(
    feeds: Feeds,
    caller: AnyCaller,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(max_length=60)] = None,
) -> NamedFeedPage:
    """List named feeds by name; who is no staff sees the public ones."""
    page, after = await feeds.named.page(cursor, limit, staff=caller.is_staff)
    return NamedFeedPage(items=[NamedFeed.model_validate(item) for item in page], next_cursor=after)


@router.put("/{name}", responses={201: {"description": "Created", "model": NamedFeed}})
async def put_feed(
    name: Name,
    plan: FeedPlan,
    feeds: Feeds,
    caller: Supervising,
    response: Response,
    if_match: Annotated[str | None, Header(max_length=40)] = None,
) -> NamedFeed:
    """Create a named feed, or change it as a whole; If-Match names the version that was read."""
    feed = await feeds.named.put(name, plan, caller, _version(if_match))
    response.status_code = 201 if feed["version"] == 1 else 200
    response.headers["ETag"] = f'"{feed["version"]}"'
    return NamedFeed.model_validate(feed_view(feed, staff=True))


@router.delete("/{name}", status_code=204)
async def delete_feed(name: Name, feeds: Feeds, _: Supervising) -> None:
    """Delete a named feed with all its snapshots."""
    await feeds.named.delete(name)


@router.get("/{name}", response_model=Snapshot | SnapshotCells, responses=_MAP)
async def latest_snapshot(
    name: Name,
    feeds: Feeds,
    pictures: PictureMaker,
    caller: AnyCaller,
    at: Annotated[str | None, Query(max_length=60, description="The one in force then")] = None,
    form: Format = "geojson",
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return a feed's newest snapshot."""
    snapshot = await feeds.snapshots.latest(name, at, staff=caller.is_staff)
    return await _answer(snapshot, form, pictures, if_none_match)


@router.get("/{name}/snapshots")
async def list_snapshots(
    name: Name,
    feeds: Feeds,
    caller: AnyCaller,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(max_length=120)] = None,
) -> SnapshotPage:
    """List a feed's snapshots, newest first, without their maps."""
    page, after = await feeds.snapshots.page(name, cursor, limit, staff=caller.is_staff)
    items = [SnapshotInfo.model_validate(item) for item in page]
    return SnapshotPage(items=items, next_cursor=after)


@router.post("/{name}/snapshots", status_code=201)
async def take_snapshot(
    name: Name, feeds: Feeds, _: Supervising, response: Response
) -> SnapshotInfo:
    """Make a snapshot now, whatever the feed's schedule."""
    snapshot = await feeds.snapshots.take(name)
    number = snapshot["number"]
    response.headers["Location"] = f"/analytics/geofeeds/{name}/snapshots/{number}"
    return SnapshotInfo.model_validate(snapshot)


@router.get("/{name}/snapshots/{number}", response_model=Snapshot | SnapshotCells, responses=_MAP)
async def get_snapshot(
    name: Name,
    number: Number,
    feeds: Feeds,
    pictures: PictureMaker,
    caller: AnyCaller,
    form: Format = "geojson",
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return a snapshot."""
    snapshot = await feeds.snapshots.snapshot(name, number, staff=caller.is_staff)
    return await _answer(snapshot, form, pictures, if_none_match)


@router.get("/{name}/diff", response_model=FeedDifference)
async def diff_snapshots(
    name: Name,
    feeds: Feeds,
    caller: AnyCaller,
    before: Annotated[Reference, Query(alias="from", description="Default: the one before")] = None,
    after: Annotated[Reference, Query(alias="to", description="Default: the newest")] = None,
) -> Response:
    """Say what has changed between two snapshots; each is a number, or an instant it held at."""
    found = await feeds.snapshots.diff(name, before, after, staff=caller.is_staff)
    body = await asyncio.to_thread(_json_of_difference, found)
    return Response(body, media_type="application/json", headers={"Vary": "Authorization"})


async def _answer(
    snapshot: Document, form: FormatName, pictures: Pictures, if_none_match: str | None
) -> Response:
    tag = f"{snapshot['etag']}-{form}"
    headers = {
        "ETag": f'"{tag}"',
        "Vary": "Authorization",
        "Cache-Control": f"{'public' if snapshot['audience'] == 'public' else 'private'}, no-cache",
    }
    if has_already(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    if form == "png":
        picture = await pictures.draw(heatmap_of(snapshot), title=snapshot["title"])
        return Response(picture, media_type="image/png", headers=headers)
    body = await asyncio.to_thread(_json_of, snapshot, form)
    return Response(body, media_type="application/json", headers=headers)


def _json_of(snapshot: Document, form: FormatName) -> bytes:
    heatmap = heatmap_of(snapshot)
    if form == "cells":
        return _json(SnapshotCells, snapshot | {"cells": heatmap.cells()["cells"]})
    return _json(Snapshot, snapshot | {"geojson": heatmap.feed()["geojson"]})


def _json_of_difference(found: dict[str, Any]) -> bytes:
    info = {when: _shown(SnapshotInfo, found[when]) for when in ("before", "after")}
    return _json(FeedDifference, {"type": "FeatureCollection"} | found | info)


def _json(model: type[BaseModel], told: Mapping[str, Any]) -> bytes:
    return orjson.dumps(_shown(model, told), option=orjson.OPT_UTC_Z)


def _shown(model: type[BaseModel], told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in model.model_fields}


def _version(if_match: str | None) -> int | None:
    if if_match is None or if_match == "*":
        return None
    text = if_match.removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidInput.field("If-Match", 'must be a version such as "7"', if_match)
    return int(text)
