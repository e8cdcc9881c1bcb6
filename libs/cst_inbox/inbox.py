"""Notices: posted with what calls for them, open until somebody acknowledges them.

A notice is repeated to further roles as long as nobody does (the SLA worker looks after that), and
each role it concerns is told by webhook, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, IndexModel, ReturnDocument

from cst_contracts.enums import INBOX_ROLES
from cst_inbox.deliveries import Deliveries
from cst_mongo.client import Database, Document, Session
from cst_mongo.indexes import CollectionSpec

#: Hours of the clock until a notice is repeated, where the request's policy does not say.
REPEAT_HOURS = 4.0

NOTICES = CollectionSpec(
    "notices",
    (
        # What a page may ask for besides is in the index, too, so that what is not wanted is passed
        # over without being read.
        IndexModel(
            [
                ("roles", ASCENDING),
                ("open", ASCENDING),
                ("at", ASCENDING),
                ("_id", ASCENDING),
                ("kind", ASCENDING),
                ("category", ASCENDING),
                ("zone_id", ASCENDING),
            ],
            name="page",
        ),
        IndexModel([("request_id", ASCENDING), ("open", ASCENDING), ("kind", ASCENDING)]),
        IndexModel(
            [("repeat_at", ASCENDING)], partialFilterExpression={"repeat_at": {"$type": "date"}}
        ),
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


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which notices a page shows: None where it does not matter."""

    roles: Sequence[str] = INBOX_ROLES
    is_open: bool | None = None
    kind: str | None = None
    categories: Sequence[str] | None = None
    zone_id: str | None = None

    def filter(self) -> dict[str, Any]:
        """Return the filter of these notices."""
        wanted: dict[str, Any] = {
            "roles": {"$in": list(self.roles)},
            "open": {"$in": [True, False] if self.is_open is None else [self.is_open]},
        }
        if self.kind is not None:
            wanted["kind"] = self.kind
        if self.categories is not None:
            wanted["category"] = {"$in": list(self.categories)}
        if self.zone_id is not None:
            wanted["zone_id"] = self.zone_id
        return wanted


def interval_of(document: Document) -> timedelta:
    """Return after how long a notice about a request is repeated, by the policy copied into it."""
    hours = (document["sla_policy"] or {}).get("repeat_hours")
    return timedelta(hours=REPEAT_HOURS if hours is None else hours)


def _about(document: Document) -> dict[str, Any]:
    """What a notice shows, and is filtered by, of its request."""
    return {
        "category": document["category"],
        "zone_id": document["location"]["zone_id"],
        "priority": document["priority"],
    }


class Inbox:
    """Keeps notices."""

    def __init__(self, db: Database) -> None:
        self._notices = db[NOTICES.name]
        self._deliveries = Deliveries(db)

    async def post(
        self, notice: Notice, document: Document, at: datetime, session: Session
    ) -> None:
        """Post a notice about ``document``, once, with the write that calls for it."""
        row = {
            "request_id": notice.request_id,
            "kind": notice.kind,
            "roles": [notice.role],
            "reason": notice.reason,
            **_about(document),
            "at": at,
            "open": True,
            "repeats": 0,
            "repeat_at": at + interval_of(document),
            "acknowledged_at": None,
            "acknowledged_by": None,
            "closed_because": None,
        }
        result = await self._notices.update_one(
            {"_id": notice.notice_id}, {"$setOnInsert": row}, upsert=True, session=session
        )
        if result.upserted_id is not None:
            await self._deliveries.put({"_id": notice.notice_id, **row}, notice.role, session)

    async def find(self, notice_id: str, session: Session) -> Document | None:
        """Return a notice."""
        return await self._notices.find_one({"_id": notice_id}, session=session)

    async def open_of(self, request_id: str, kind: str, session: Session) -> list[Document]:
        """Return the open notices of one kind about a request."""
        wanted = {"request_id": request_id, "kind": kind, "open": True}
        return await self._notices.find(wanted, session=session).sort("_id", 1).to_list()

    async def open_about(self, request_ids: Sequence[str], session: Session) -> list[Document]:
        """Return the open notices about some requests, those of a request together."""
        wanted = {"request_id": {"$in": list(request_ids)}, "open": True}
        cursor = self._notices.find(wanted, session=session)
        return await cursor.sort([("request_id", ASCENDING), ("_id", ASCENDING)]).to_list()

    async def page(
        self, wanted: Wanted, *, after: tuple[datetime, str] | None, limit: int
    ) -> list[Document]:
        """Return up to ``limit`` of the wanted notices, oldest first, after (``at``, id)."""
        these = wanted.filter()
        if after is not None:
            at, notice_id = after
            later = [{"at": {"$gt": at}}, {"at": at, "_id": {"$gt": notice_id}}]
            these |= {"at": {"$gte": at}, "$or": later}
        order = [("at", ASCENDING), ("_id", ASCENDING)]
        return await self._notices.find(these).sort(order).limit(limit).to_list()

    async def acknowledge(
        self, notice_id: str, by: str, at: datetime, session: Session
    ) -> Document | None:
        """Note who acknowledged; None where it is unknown or not open any more."""
        taken = {"acknowledged_at": at, "acknowledged_by": by}
        return await self._end(notice_id, taken, session)

    async def close(self, notice_id: str, because: str, session: Session) -> None:
        """Close a notice, if it is open, that nobody needs to know of any more."""
        await self._end(notice_id, {"closed_because": because}, session)

    async def _end(self, notice_id: str, how: dict[str, Any], session: Session) -> Document | None:
        return await self._notices.find_one_and_update(
            {"_id": notice_id, "open": True},
            {"$set": {"open": False, "repeat_at": None, **how}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )

    async def follow(self, document: Document, session: Session) -> None:
        """Bring what open notices show of their request in line with it."""
        await self._notices.update_many(
            {"request_id": document["request_id"], "open": True},
            {"$set": _about(document)},
            session=session,
        )

    @staticmethod
    def fallen_due(now: datetime) -> dict[str, Any]:
        """Return the filter of the notices to be repeated by ``now``."""
        # Without its type the partial index would not answer it.
        return {"repeat_at": {"$lte": now, "$type": "date"}}

    async def due(self, now: datetime, limit: int) -> list[str]:
        """Return the ids of what is to be repeated, longest overdue first."""
        cursor = self._notices.find(self.fallen_due(now), {"_id": 1})
        return [row["_id"] async for row in cursor.sort("repeat_at", 1).limit(limit)]

    async def repeat(
        self, notice: Document, to_role: str, again_at: datetime, session: Session
    ) -> Document | None:
        """Let a notice concern ``to_role``, too, and be repeated again at ``again_at``.

        Returns:
            The notice afterwards; None where it was ended or repeated since it was read.
        """
        repeated = await self._notices.find_one_and_update(
            {"_id": notice["_id"], "open": True, "repeat_at": notice["repeat_at"]},
            {
                "$addToSet": {"roles": to_role},
                "$inc": {"repeats": 1},
                "$set": {"repeat_at": again_at},
            },
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        if repeated is not None:
            await self._deliveries.put(repeated, to_role, session)
        return repeated
