"""Notices: posted with what calls for them, open until somebody acknowledges them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel, ReturnDocument

from cst_mongo.client import Database, Document, Session
from cst_mongo.indexes import CollectionSpec

NOTICES = CollectionSpec(
    "notices",
    (
        IndexModel([("role", ASCENDING), ("acknowledged_at", ASCENDING), ("_id", ASCENDING)]),
        IndexModel([("request_id", ASCENDING)]),
    ),
)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a role must know of.

    Attributes:
        request_id: the request it is about.
        kind: what it is about, e.g. ``danger``.
        role: whom it concerns: a role of staff, or ``on_call``.
        reason: one line for the reader, without text of citizens.
        seq: event of the request that calls for it: posting it again posts nothing new.
    """

    request_id: str
    kind: str
    role: str
    reason: str
    seq: int

    @property
    def notice_id(self) -> str:
        return f"{self.request_id}.{self.seq}.{self.kind}.{self.role}"


class Inbox:
    """Keeps notices."""

    def __init__(self, db: Database) -> None:
        self._notices = db[NOTICES.name]

    async def post(self, notice: Notice, at: datetime, session: Session) -> None:
        """Post a notice, once, with the write that calls for it."""
        row = {
            "request_id": notice.request_id,
            "kind": notice.kind,
            "role": notice.role,
            "reason": notice.reason,
            "at": at,
            "acknowledged_at": None,
            "acknowledged_by": None,
        }
        await self._notices.update_one(
            {"_id": notice.notice_id}, {"$setOnInsert": row}, upsert=True, session=session
        )

    async def find(self, notice_id: str, session: Session | None = None) -> Document | None:
        """Return a notice."""
        return await self._notices.find_one({"_id": notice_id}, session=session)

    async def page(
        self, roles: Sequence[str], *, is_open: bool | None, after: str | None, limit: int
    ) -> list[Document]:
        """Return up to ``limit`` notices for ``roles``, in order of their ids."""
        wanted: dict[str, Any] = {"role": {"$in": list(roles)}}
        if is_open is not None:
            wanted["acknowledged_at"] = None if is_open else {"$ne": None}
        if after is not None:
            wanted["_id"] = {"$gt": after}
        return await self._notices.find(wanted).sort("_id", 1).limit(limit).to_list()

    async def acknowledge(
        self, notice_id: str, by: str, at: datetime, session: Session
    ) -> Document | None:
        """Note who acknowledged; None where it is unknown or was acknowledged before."""
        return await self._notices.find_one_and_update(
            {"_id": notice_id, "acknowledged_at": None},
            {"$set": {"acknowledged_at": at, "acknowledged_by": by}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
