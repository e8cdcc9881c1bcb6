"""Orders to the relay: an operator asks for a rebuild, the leader of the feed carries it out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cst_core.clock import wall_now
from cst_mongo.client import Database
from cst_mongo.indexes import CollectionSpec

ORDERS = CollectionSpec("relay_orders")


@dataclass(frozen=True, slots=True)
class Order:
    """A rebuild asked for: from when (everything, where None), and when it was asked for."""

    since: datetime | None
    asked_at: datetime


class Orders:
    """The orders of one feed; a later one replaces an earlier one."""

    def __init__(self, db: Database, feed: str) -> None:
        self._orders = db[ORDERS.name]
        self._feed = feed

    async def ask(self, since: datetime | None) -> None:
        """Ask for a rebuild; it is kept until a leader has begun it."""
        order = {"since": since, "asked_at": wall_now()}
        await self._orders.replace_one({"_id": self._feed}, order, upsert=True)

    async def pending(self) -> Order | None:
        """Return the order that nobody has begun yet."""
        row = await self._orders.find_one({"_id": self._feed})
        return Order(row["since"], row["asked_at"]) if row else None

    async def begun(self, order: Order) -> None:
        """Note that ``order`` is in the checkpoint now, so that it outlives this leader there."""
        await self._orders.delete_one({"_id": self._feed, "asked_at": order.asked_at})
