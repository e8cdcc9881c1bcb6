"""The live map: server-sent events."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query

from cst_geo_analytics.api.deps import Live
from cst_geo_analytics.domain.live_query import LiveQuery
from cst_geo_analytics.live.stream import LiveStream
from cst_http.auth import AnyCaller

router = APIRouter()

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "`ready`, then a `frame` every quarter of a second in which something "
        "happened, `reset` where the map has to be loaded anew, `status` where the broker is away "
        "or back; a comment as heartbeat. The id of each is the position to resume from. The "
        "data of each is a JSON document (see `LiveFrame` and its neighbours).",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.get("/live", status_code=200, response_class=LiveStream, responses=_STREAM)
async def live(
    query: Annotated[LiveQuery, Query()],
    maps: Live,
    caller: AnyCaller,
    last_event_id: Annotated[str | None, Header()] = None,
) -> LiveStream:
    """Stream what happens on the map; the public hears of what is public to the point.

    With `Last-Event-ID` it goes on without gap or repetition, at whatever replica, as long as what
    was missed is kept; otherwise the first event is a `reset`. A stream ends when the token does.
    """
    resume = query.last_event_id if last_event_id is None else last_event_id
    ends_at = caller.expires_at
    return await maps.stream(query, resume, staff=caller.is_staff, ends_at=ends_at)
