"""The feed for outsiders: of the ledger, what anybody may see."""

from __future__ import annotations

from typing import Any

from cst_contracts.topics import REQUEST_PUBLIC, Topic
from cst_relay.domain.public_records import public_records
from cst_relay.domain.records import Record
from cst_relay.ledger_feed import LedgerFeed


class PublicEvents(LedgerFeed):
    """Public events of requests that are public to the point, with their public facts."""

    name = "request-public"
    topic: Topic = REQUEST_PUBLIC

    def records(self, events: Any, document_id: Any) -> list[Record]:
        return public_records(events, self._city)
