"""Server-sent events as they go over the wire."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from cst_contracts.base import Wire
from cst_geo_analytics.domain.live import Position, Telling, Wanted
from cst_geo_analytics.live.ring import Told


def block(event: str, data: Wire, position: Position | None = None) -> bytes:
    """Return an event; ``position`` becomes its id, from which a client can resume."""
    return _block(event, data.model_dump_json().encode(), position)


def heartbeat(position: Position | None) -> bytes:
    """Return a comment; with it the position moves on also where nothing was to tell."""
    beat = b": heartbeat\n"
    return beat + b"\n" if position is None else beat + f"id: {position}\n\n".encode()


def frame_block(told: Iterable[Told], wanted: Wanted, position: Position) -> bytes:
    """Return what a client is told of a frame; nothing where nothing in it is for the client."""
    shown: list[bytes] = []
    removed: list[bytes] = []
    for _, _, event in told:
        telling = wanted.telling(event)
        if telling is Telling.SHOWN:
            shown.append(event.text)
        elif telling is Telling.REMOVED:
            removed.append(orjson.dumps({"request_id": event.request_id, "seq": event.seq}))
    if not shown and not removed:
        return b""
    data = b'{"events":[%b],"removed":[%b]}' % (b",".join(shown), b",".join(removed))
    return _block("frame", data, position)


def _block(event: str, data: bytes, position: Position | None) -> bytes:
    place = b"" if position is None else f"id: {position}\n".encode()
    return b"%bevent: %b\ndata: %b\n\n" % (place, event.encode(), data)
