"""Rows as the ledger has them: of everything, and of what was written lately."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bson import ObjectId
from pydantic import ValidationError

from cst_contracts.events import Facts
from cst_core.errors import Conflict
from cst_geo_analytics.domain.projection import Row, row_of
from cst_ledger.events import Document
from cst_ledger.ledger import LOGS
from cst_mongo.client import Database

BATCH = 500


class LedgerRows:
    """Makes the row of a request from its last event of ``types``, those that move rows."""

    def __init__(self, db: Database, types: Collection[str]) -> None:
        self._logs = db[LOGS.name]
        self._types = sorted(types)

    async def everything(self) -> AsyncIterator[list[ObjectId]]:
        """Yield every request's ``_id``, ``BATCH`` at a time, by an index alone."""
        wanted: dict[str, Any] = {}
        while True:
            cursor = self._logs.find(wanted, {"_id": 0, "request_id": 1})
            keys = [row["request_id"] async for row in cursor.sort("request_id", 1).limit(BATCH)]
            if not keys:
                return
            yield list(dict.fromkeys(keys))
            wanted = {"request_id": {"$gt": keys[-1]}}

    async def written_since(self, since: datetime) -> AsyncIterator[tuple[ObjectId, int]]:
        """Yield (request's ``_id``, its last ``seq``) of what was written since ``since``."""
        cursor = self._logs.find(
            {"updated_at": {"$gte": since}}, {"_id": 0, "request_id": 1, "last_seq": 1}
        )
        async for log in cursor.batch_size(BATCH):
            yield log["request_id"], log["last_seq"]

    async def rows(self, oids: Sequence[ObjectId], zone: ZoneInfo) -> dict[str, Row]:
        """Return rows by request id; ``zone`` is the city's time zone.

        Raises:
            Conflict: the facts of an event cannot be read.
        """
        latest: dict[str, Row] = {}
        async for log in await self._logs.aggregate(_last_events(oids, self._types)):
            latest[log["last"]["subject"]] = _row(log["last"], zone)
        return latest


def _last_events(oids: Sequence[ObjectId], types: list[str]) -> list[dict[str, Any]]:
    """The last fitting event of each bucket, in bucket order."""
    fits = {"$in": ["$$this.type", types]}
    fitting = {"$filter": {"input": "$event_stream", "cond": fits}}
    return [
        {"$match": {"request_id": {"$in": list(oids)}}},
        {"$sort": {"request_id": 1, "bucket": 1}},
        {"$project": {"_id": 0, "last": {"$last": fitting}}},
        {"$match": {"last": {"$type": "object"}}},
        {"$project": {"last.subject": 1, "last.seq": 1, "last.facts": 1}},
    ]


def _row(event: Document, zone: ZoneInfo) -> Row:
    try:
        return row_of(Facts.model_validate(event["facts"]), event["seq"], zone)
    except (KeyError, ValidationError) as error:
        raise Conflict(
            f"{event['subject']} seq {event['seq']}: its facts cannot be read "
            f"({type(error).__name__}); `cst audit verify` says more"
        ) from None
