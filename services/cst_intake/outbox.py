"""Messages to citizens: written with what calls for them, delivered by whoever reads the outbox.

Texts and addresses are gone after a day, delivered or not: contact data is for ``citizens``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bson import ObjectId
from pymongo import ASCENDING, IndexModel

from cst_core.clock import wall_now
from cst_mongo.client import Database, Document, Session
from cst_mongo.indexes import CollectionSpec

#: How long a message is kept.
KEPT = timedelta(days=1)

OUTBOX = CollectionSpec(
    "outbox",
    (
        IndexModel([("to", ASCENDING), ("_id", ASCENDING)]),
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
    ),
)


@dataclass(frozen=True, slots=True)
class Message:
    """A message to one contact; ``kind`` says what for, e.g. ``code``."""

    citizen_id: ObjectId
    channel: str
    to: str
    kind: str
    text: str


class Sender(Protocol):
    """Takes messages over, within the transaction that calls for them."""

    async def send(self, message: Message, at: datetime, session: Session) -> None:
        """Take a message over; it is on its way once the transaction is committed."""


class Outbox:
    """The sender that keeps messages where a command, or a service that delivers, finds them."""

    def __init__(self, db: Database) -> None:
        self._messages = db[OUTBOX.name]

    async def send(self, message: Message, at: datetime, session: Session) -> None:
        """Write a message into the outbox."""
        row = {
            "citizen_id": message.citizen_id,
            "channel": message.channel,
            "to": message.to,
            "kind": message.kind,
            "text": message.text,
            "at": at,
            "expires_at": wall_now() + KEPT,
        }
        await self._messages.insert_one(row, session=session)

    async def page(self, to: str | None, limit: int) -> list[Document]:
        """Return the newest ``limit`` messages, to one contact or to all, the newest last."""
        wanted = {} if to is None else {"to": to}
        newest = await self._messages.find(wanted).sort("_id", -1).limit(limit).to_list()
        return newest[::-1]
