"""Notes on dead letters that somebody has decided to leave unhandled: who, when, why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cst_core.clock import wall_now
from cst_mongo.client import Database, Session
from cst_mongo.indexes import CollectionSpec

NOTES = CollectionSpec("dead_letter_notes")


@dataclass(frozen=True, slots=True)
class Decision:
    """Who leaves something unhandled, and why."""

    by: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """What was decided on, and when; ``id`` as ``discard`` was given it."""

    id: str
    decision: Decision
    at: datetime


class DeadLetterNotes:
    """Discarded records, ``topic/partition/offset@ms``, and events, ``consumer/request@seq``."""

    def __init__(self, db: Database) -> None:
        self._notes = db[NOTES.name]

    async def discard(self, note_id: str, decision: Decision, session: Session | None) -> None:
        """Note a decision; a second one on the same thing changes nothing."""
        note = {"by": decision.by, "reason": decision.reason, "at": wall_now()}
        await self._notes.update_one(
            {"_id": note_id}, {"$setOnInsert": note}, upsert=True, session=session
        )

    async def all(self) -> dict[str, Note]:
        """Return every note by its id."""
        cursor = self._notes.find().sort("at", 1)
        return {
            row["_id"]: Note(row["_id"], Decision(row["by"], row["reason"]), row["at"])
            async for row in cursor
        }
