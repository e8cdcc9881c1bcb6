"""The feed of the ledger: ``performance_logs`` to the topic of request events."""

from __future__ import annotations

from typing import Any

from cst_contracts.topics import REQUEST_EVENTS, Topic
from cst_relay.domain.changes import STREAM
from cst_relay.domain.records import Record
from cst_relay.domain.request_records import Malformed, dead_letter, event_record
from cst_relay.ledger_feed import LedgerFeed


class RequestEvents(LedgerFeed):
    """Every event of every request."""

    name = "request-events"
    topic: Topic = REQUEST_EVENTS

    def records(self, events: Any, document_id: Any) -> list[Record]:
        if not isinstance(events, list):
            return [self._dead({}, f"{STREAM} is no list", document_id)]
        records: list[Record] = []
        for event in events:
            try:
                records.append(event_record(event, self._city))
            except Malformed as error:
                records.append(self._dead(event, str(error), document_id))
        return records

    def _dead(self, event: Any, error: str, document_id: Any) -> Record:
        source = f"{self.collection}/{document_id}"
        return dead_letter(event, error, feed=self.name, source=source, topic=self.topic.name)
