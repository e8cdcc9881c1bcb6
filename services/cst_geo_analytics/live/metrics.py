"""Metrics of the live map, of this process."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

CLIENTS = Gauge("cst_live_clients", "Clients of the live map")
REFUSED = Counter("cst_live_refused", "Clients that were one too many")
DROPPED = Counter("cst_live_dropped", "Clients that were disconnected since they did not read")
RESETS = Counter("cst_live_resets", "Clients told to load the map anew", ["reason"])
FRAMES = Counter("cst_live_frames", "Frames put together")
EVENTS = Counter("cst_live_events", "Map events in the frames")
UNREADABLE = Counter("cst_live_unreadable", "Records that hold no event")
LAG = Gauge("cst_live_lag_seconds", "From the broker's time of a record to its frame, at the last")
KEPT = Gauge("cst_live_events_kept", "Map events from which clients can resume")
