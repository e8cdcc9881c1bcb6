"""Notices: posted with what calls for them, open until somebody acknowledges them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel, ReturnDocument

from cst_mongo.client import Database, Document, Session
from cst_mongo.indexes import CollectionSpec

#: Whom a notice can concern: roles of staff, and whoever is on call.
INBOX_ROLES = ("on_call", "dispatcher", "supervisor", "admin")

NOTICES = CollectionSpec(
    "notices",
    (
        IndexModel(
            [("role", ASCENDING), ("open", ASCENDING), ("at", ASCENDING), ("_id", ASCENDING)]
        ),
        IndexModel([("request_id", ASCENDING), ("kind", ASCENDING), ("open", ASCENDING)]),
    ),
)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a role must know of.

    Attributes:
        request_id: the request it is about.
        kind: what it is about, e.g. ``danger``.
        role: whom it concerns, one of ``INBOX_ROLES``.
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
            "open": True,
            "acknowledged_at": None,
            "acknowledged_by": None,
        }
        await self._notices.update_one(
            {"_id": notice.notice_id}, {"$setOnInsert": row}, upsert=True, session=session
        )

    async def find(self, notice_id: str, session: Session | None = None) -> Document | None:
        """Return a notice."""
        return await self._notices.find_one({"_id": notice_id}, session=session)

    async def open_of(self, request_id: str, kind: str, session: Session) -> list[Document]:
        """Return the open notices of one kind about a request."""
        wanted = {"request_id": request_id, "kind": kind, "open": True}
        return await self._notices.find(wanted, session=session).sort("_id", 1).to_list()

    async def page(
        self,
        roles: Sequence[str],
        *,
        is_open: bool | None,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> list[Document]:
        """Return up to ``limit`` notices for ``roles``, oldest first, after (``at``, id)."""
        wanted: dict[str, Any] = {
            "role": {"$in": list(roles)},
            "open": {"$in": [True, False] if is_open is None else [is_open]},
        }
        if after is not None:
            at, notice_id = after
            later = [{"at": {"$gt": at}}, {"at": at, "_id": {"$gt": notice_id}}]
            wanted |= {"at": {"$gte": at}, "$or": later}
        order = [("at", ASCENDING), ("_id", ASCENDING)]
        return await self._notices.find(wanted).sort(order).limit(limit).to_list()

    async def acknowledge(
        self, notice_id: str, by: str, at: datetime, session: Session
    ) -> Document | None:
        """Note who acknowledged; None where it is unknown or was acknowledged before."""
        return await self._notices.find_one_and_update(
            {"_id": notice_id, "open": True},
            {"$set": {"open": False, "acknowledged_at": at, "acknowledged_by": by}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
