"""The checkpoint: how far a feed's records are acknowledged, and by whom it may be written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from cst_core.clock import wall_now
from cst_mongo.client import Database
from cst_mongo.indexes import CollectionSpec
from cst_relay.domain.records import Position
from cst_relay.errors import Fenced

CHECKPOINTS = CollectionSpec("relay_checkpoints")


@dataclass(frozen=True, slots=True)
class Rebuild:
    """A rebuild that has begun and not ended: from when, why, since when it runs."""

    since: datetime | None
    reason: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a feed has come.

    Attributes:
        cluster_id: the broker's identity; another one has none of our records.
        token: resume token; everything before it is acknowledged. None before the first one.
        at: time of that position by the source's clock.
        acked_through: everything written up to then is acknowledged.
        offsets: where our last batch in each partition of the feed's topic begins.
        sent: records acknowledged since the feed began.
        rebuild: set while a rebuild runs, so that the next start does it again.
        moved_at: when it last moved.
    """

    cluster_id: str
    token: Mapping[str, Any] | None = None
    at: datetime | None = None
    acked_through: datetime | None = None
    offsets: Mapping[int, int] = field(default_factory=dict)
    sent: int = 0
    rebuild: Rebuild | None = None
    moved_at: datetime = field(default_factory=wall_now)

    def acknowledged(
        self, position: Position | None, offsets: Mapping[int, int], sent: int
    ) -> Checkpoint:
        """Return the checkpoint after a round was acknowledged; a position ends it, if any."""
        after = replace(
            self,
            offsets={**self.offsets, **offsets},
            sent=self.sent + sent,
            moved_at=wall_now(),
        )
        if position is None:
            return after
        return replace(
            after,
            token=position.token,
            at=position.at or self.at,
            acked_through=_latest(self.acked_through, position.written_at),
            rebuild=None if position.rebuilt else self.rebuild,
        )


def _latest(first: datetime | None, second: datetime | None) -> datetime | None:
    if first is None or second is None:
        return first or second
    return max(first, second)


class CheckpointStore:
    """One feed's checkpoint, as a leader of an epoch may read and write it."""

    def __init__(self, db: Database, feed: str, epoch: int) -> None:
        self._checkpoints = db[CHECKPOINTS.name]
        self._feed = feed
        self._epoch = epoch

    async def claim(self) -> Checkpoint | None:
        """Shut out earlier epochs and return the checkpoint; None where nothing was sent yet.

        Raises:
            Fenced: a later epoch has claimed it.
        """
        try:
            row = await self._checkpoints.find_one_and_update(
                self._mine(),
                {"$set": {"epoch": self._epoch}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:
            raise Fenced(f"epoch {self._epoch} is over") from None
        return from_row(row) if row is not None and "token" in row else None

    async def save(self, checkpoint: Checkpoint) -> None:
        """Write the checkpoint, durable on a majority.

        Raises:
            Fenced: a later epoch has claimed it; nothing is written.
        """
        row = {"_id": self._feed, "epoch": self._epoch, **to_row(checkpoint)}
        try:
            await self._checkpoints.replace_one(self._mine(), row, upsert=True)
        except DuplicateKeyError:
            raise Fenced(f"epoch {self._epoch} is over") from None

    def _mine(self) -> dict[str, Any]:
        return {"_id": self._feed, "epoch": {"$lte": self._epoch}}


def to_row(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return a checkpoint as it is stored."""
    return {
        "kafka_cluster_id": checkpoint.cluster_id,
        "token": checkpoint.token,
        "source_time": checkpoint.at,
        "acked_through": checkpoint.acked_through,
        "offsets": {str(partition): n for partition, n in checkpoint.offsets.items()},
        "sent": checkpoint.sent,
        "rebuild": checkpoint.rebuild and asdict(checkpoint.rebuild),
        "updated_at": checkpoint.moved_at,
    }


def from_row(row: Mapping[str, Any]) -> Checkpoint:
    """Return the checkpoint that ``to_row`` stored."""
    return Checkpoint(
        cluster_id=row["kafka_cluster_id"],
        token=row["token"] or None,  # the driver takes an empty one for none, and begins now
        at=row["source_time"],
        acked_through=row["acked_through"],
        offsets={int(partition): n for partition, n in row["offsets"].items()},
        sent=row["sent"],
        rebuild=row["rebuild"] and Rebuild(**row["rebuild"]),
        moved_at=row["updated_at"],
    )


class CheckpointKeeper:
    """The checkpoint in memory, moved by the sender and written at most every ``interval_s``."""

    def __init__(self, store: CheckpointStore, start: Checkpoint, interval_s: float) -> None:
        self._store = store
        self._interval_s = interval_s
        self._moved = asyncio.Event()
        self.checkpoint = start

    def moved_to(self, checkpoint: Checkpoint) -> None:
        """Note that everything before ``checkpoint`` is delivered for good."""
        self.checkpoint = checkpoint
        self._moved.set()

    async def keep(self) -> None:
        """Write the checkpoint whenever it has moved, until cancelled; raises ``Fenced``."""
        while True:
            await self._moved.wait()
            await self.flush()
            await asyncio.sleep(self._interval_s)

    async def flush(self) -> None:
        """Write the checkpoint now; raises ``Fenced``."""
        self._moved.clear()
        await self._store.save(self.checkpoint)
