"""Reports into the ledger and from there into the projections, as the geo worker does it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.registry import WORKERS
from cst_bus.processor import Processor
from cst_city.catalog import Catalog
from cst_drafts.places import located, stand_in, unlocated
from cst_geo_analytics.repository import SPECS
from cst_ledger.events import Document, NewEvent
from cst_ledger.ledger import LOGS, REQUESTS, Ledger
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_testkit.apps import DOWNTOWN
from cst_testkit.factories import CREATED_AT, SYSTEM, created_event, request_state
from cst_testkit.records import RecordingDeadLetters, record_of

#: Requests in one transaction of the ledger.
AT_ONCE = 200
_numbers = itertools.count(2 * 10**6)


@dataclass(frozen=True)
class Report:
    """What the map counts of a request.

    Attributes:
        point: (lon, lat); None where nobody knows the place.
        resolved_at: when it was closed; None while it is open.
        channel: how it came in; None as in old requests.
        zone_id: the zone, where it is not the point's own.
    """

    point: tuple[float, float] | None = DOWNTOWN
    category: str = "pothole"
    priority: str = "P3"
    public: str = "exact"
    created_at: datetime = CREATED_AT
    due_at: datetime | None = None
    resolved_at: datetime | None = None
    channel: str | None = "api"
    zone_id: str | None = None

    def event(self, catalog: Catalog) -> NewEvent:
        """Return its ``created`` event, which says how it stands now."""
        blank = request_state()
        times = {
            "created_at": self.created_at,
            "resolved_at": self.resolved_at,
            "closed_at": self.resolved_at,
        }
        first = created_event(
            category=self.category,
            priority=self.priority,
            public=self.public,
            status="new" if self.resolved_at is None else "closed",
            due_at=self.due_at,
            timestamps=blank["timestamps"] | times,
            location=self._location(catalog),
            channel=self.channel,
        )
        return replace(first, at=self.created_at)

    def _location(self, catalog: Catalog) -> dict[str, Any]:
        if self.point is None:
            place = unlocated(stand_in(catalog.city))
        else:
            place = located(*self.point, catalog)
        return place if self.zone_id is None else place | {"zone_id": self.zone_id}


async def file_reports(core: Core, reports: Sequence[Report]) -> list[str]:
    """Write reports to the ledger, let the projections follow, and return the requests' ids."""
    catalog, ledger = await core.catalog.get(), Ledger(core.db, "test", core.rules, core.clock)
    firsts = [(f"CST-2026-{next(_numbers)}", report.event(catalog)) for report in reports]
    for start in range(0, len(firsts), AT_ONCE):
        part = firsts[start : start + AT_ONCE]
        await transact(core.db, lambda session, part=part: ledger.import_many(part, session))
    request_ids = [request_id for request_id, _ in firsts]
    await follow(core, request_ids)
    return request_ids


async def happens(core: Core, request_id: str, *events: NewEvent) -> None:
    """Write events of a request to the ledger, and let the projections follow."""
    ledger = Ledger(core.db, "test", core.rules, core.clock)
    await ledger.record(request_id, lambda _: list(events))
    await follow(core, [request_id])


def changed(type_: str, meta: dict[str, Any], **changes: Any) -> NewEvent:
    """Return an event that sets fields of the request; ``__`` in a name stands for a dot."""
    paths = {name.replace("__", "."): value for name, value in changes.items()}
    return NewEvent(type_, SYSTEM, changes=paths, meta=meta)


async def follow(core: Core, request_ids: Sequence[str]) -> None:
    """Let the geo worker's consumer handle the events of some requests; it drops what it had."""
    wanted = {"request_id": {"$in": list(request_ids)}}
    oids = [row["_id"] async for row in core.db[REQUESTS.name].find(wanted, {"_id": 1})]
    cursor = core.db[LOGS.name].find({"request_id": {"$in": oids}})
    events = list[Document]()
    async for log in cursor.sort([("request_id", 1), ("bucket", 1)]):
        events += log["event_stream"]
    (subscription,) = WORKERS["geo"].build(core).subscriptions
    dead = RecordingDeadLetters()
    processor = Processor(core.db, subscription.handler, dead, marks=subscription.marks)
    await processor.process([record_of(event, offset=n) for n, event in enumerate(events)])
    assert not dead.sent, dead.sent[:3]


async def emptied(core: Core) -> None:
    """Forget every request and what was derived from them."""
    for name in (REQUESTS.name, LOGS.name, *(spec.name for spec in SPECS)):
        await core.db[name].delete_many({})
