"""From records of the log to map events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import structlog

from cst_bus.reading import Item, Record, Unreadable, read
from cst_contracts.events import Facts, RequestEvent
from cst_contracts.live_views import LiveEvent
from cst_geo_analytics.domain.live import LEAVING, MapEvent, Place, place_of
from cst_geo_analytics.domain.projection import MOVING
from cst_geo_analytics.live import metrics
from cst_geo_analytics.live.ring import Entry
from cst_ledger.reader import event_at
from cst_mongo.client import Database
from cst_mongo.transactions import is_transient

log = structlog.get_logger(__name__)

#: Pause before the database is asked again, in seconds.
AGAIN_S = 1.0


class Translator:
    """Makes map events; asks the ledger where a request was that may leave the map."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def entries(self, records: Sequence[Record], since: datetime | None) -> list[Entry]:
        """Return the map events among some records, as entries of the ring.

        What cannot be read is passed over: workers make a dead letter of it. What was recorded
        before ``since`` is left out.
        """
        found = []
        for record in records:
            item = _item(record)
            if item is not None:
                found.append(await self._entry(item, since))
        return found

    async def _entry(self, item: Item, since: datetime | None) -> Entry:
        event, record = item.event, item.record
        if since is not None and event.typed().recorded_at < since:
            return Entry(record.partition, record.offset, None)
        before = await self._before(event) if event.name in LEAVING else None
        return Entry(record.partition, record.offset, _map_event(event, before))

    async def _before(self, event: RequestEvent) -> Place | None:
        """Return where a request was before an event; None where the ledger does not have it.

        It waits for a database that is away. Guessing instead would tell the public of a request
        that was never theirs to see, or leave one on the map that no more is.
        """
        while True:
            try:
                stored = await event_at(self._db, event.subject, event.seq - 1)
                return None if stored is None else place_of(Facts.model_validate(stored["facts"]))
            except (KeyError, ValueError):  # the ledger's own checks complain of it
                return None
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("live map: the database does not answer", error=str(error)[:200])
                await asyncio.sleep(AGAIN_S)


def _item(record: Record) -> Item | None:
    try:
        item = read(record, MOVING)
        if item is not None:
            place_of(item.event.facts)
    except (Unreadable, ValueError):
        metrics.UNREADABLE.inc()
        return None
    return item


def _map_event(event: RequestEvent, before: Place | None) -> MapEvent:
    facts = event.facts
    told = LiveEvent(
        request_id=event.subject,
        seq=event.seq,
        type=event.name,
        at=event.time,
        cell=facts.h3 if facts.located else None,
        zone_id=facts.zone_id,
        category=facts.category,
        status=facts.status,
        priority=facts.priority,
    )
    text = told.model_dump_json().encode()
    return MapEvent(event.subject, event.seq, event.name, place_of(facts), before, text)
