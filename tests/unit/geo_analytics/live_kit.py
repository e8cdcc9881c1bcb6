"""Map events, logs and what a client of the live map is told, without a broker."""

from __future__ import annotations

import json
from typing import Any

from cst_geo_analytics.domain.live import MapEvent, Place
from cst_geo_analytics.live.client import Client
from cst_geo_analytics.live.hub import Hub
from cst_geo_analytics.live.log import Log
from cst_geo_analytics.live.ring import Entry, Ring
from cst_testkit.streams import Block, blocks

PARTITIONS = 3
DOWNTOWN = (-74.0, 40.71)


def place(**overrides: Any) -> Place:
    """Return where a public pothole downtown is."""
    fields = {"is_master": True, "exact": True, "category": "pothole", "point": DOWNTOWN}
    return Place(**(fields | overrides))


def map_event(
    number: int = 1, seq: int = 0, kind: str = "created", before: Place | None = None, **now: Any
) -> MapEvent:
    """Return an event of request ``number``; ``now`` says where the request is."""
    request_id = f"CST-2026-{number:04}"
    text = json.dumps({"request_id": request_id, "seq": seq}).encode()
    return MapEvent(request_id, seq, kind, place(**now), before, text)


def empty_log(
    *, capacity: int = 1000, start: tuple[int, ...] = (0,) * PARTITIONS, name: str = "a" * 16
) -> Log:
    """Return a log of which nothing was read yet."""
    return Log(name, Ring(start, capacity), start, ahead=capacity)


def hub_of(log: Log | None) -> Hub:
    """Return a hub that reads ``log``."""
    hub = Hub(max_clients=10, heartbeat_s=15)
    if log is not None:
        hub.follow(log)
        hub.reach("up")
    return hub


def put(log: Log, *entries: Entry) -> None:
    """Let ``log`` read some entries and make a frame of them."""
    end = list(log.end)
    for partition, offset, _ in entries:
        end[partition] = offset + 1
    log.gather(entries, tuple(end), 0)
    log.flush()


def told(client: Client) -> list[Block]:
    """Return what there is for a client, all of it."""
    text = b""
    while chunk := client.next():
        text += chunk
    return blocks(text.decode())


def events_in(found: list[Block]) -> list[tuple[str, int]]:
    """Return (request id, seq) of the events in frames, in their order."""
    frames = [block for block in found if block.event == "frame"]
    return [(e["request_id"], e["seq"]) for frame in frames for e in frame.data["events"]]


def removals_in(found: list[Block]) -> list[tuple[str, int]]:
    """Return (request id, seq) of the removals in frames, in their order."""
    frames = [block for block in found if block.event == "frame"]
    return [(e["request_id"], e["seq"]) for frame in frames for e in frame.data["removed"]]
