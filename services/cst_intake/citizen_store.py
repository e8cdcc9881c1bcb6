"""The queries of citizens: the only place where contact data lies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import ASCENDING, IndexModel, ReturnDocument

from cst_intake.domain.contacts import Contact, contacts_document
from cst_ledger.events import Document
from cst_ledger.ledger import REQUESTS
from cst_mongo.client import Database, Session
from cst_mongo.indexes import CollectionSpec

CITIZENS = CollectionSpec(
    "citizens",
    (
        # Of a contact there is one citizen who has proved it, and one whom reports left it for.
        IndexModel(
            [("verified_contacts", ASCENDING)],
            unique=True,
            partialFilterExpression={"verified_contacts": {"$exists": True}},
        ),
        IndexModel(
            [("left_contact", ASCENDING)],
            unique=True,
            partialFilterExpression={"left_contact": {"$exists": True}},
        ),
        IndexModel(
            [("visibility_pending.epoch", ASCENDING)],
            partialFilterExpression={"visibility_pending": {"$exists": True}},
        ),
    ),
)


def new_citizen(
    contacts: list[Contact],
    now: datetime,
    *,
    language: str,
    full_name: str | None = None,
    preferences: Mapping[str, Any] | None = None,
    address: Mapping[str, Any] | None = None,
) -> Document:
    """Return the document of a citizen who has yet to prove a contact."""
    chosen: dict[str, Any] = {
        "preferred_contact": contacts[0].channel,
        "language": language,
        "privacy": {"default_anonymous": False, "share_publicly_on_map": True},
        "notifications": {"on_status_change": True, "on_resolution": True},
    }
    chosen |= {key: value for key, value in (preferences or {}).items() if value is not None}
    return {
        "_id": ObjectId(),
        "full_name": full_name,
        "verification": {"state": "unverified", "method": "none", "verified_at": None},
        "contacts": contacts_document(contacts),
        "preferences": chosen,
        "address": {"neighborhood": None, "city": None, "zone_id": None, **(address or {})},
        "stats": {"total_requests": 0, "avg_rating": None, "ratings": 0, "rating_sum": 0},
        "created_at": now,
        "erased_at": None,
    }


class CitizenStore:
    """Reads and writes citizens, and finds their requests."""

    def __init__(self, db: Database) -> None:
        self._citizens = db[CITIZENS.name]
        self._requests = db[REQUESTS.name]

    async def find(self, oid: ObjectId, session: Session | None = None) -> Document | None:
        """Return a citizen."""
        return await self._citizens.find_one({"_id": oid}, session=session)

    async def add(self, citizen: Document, session: Session) -> None:
        """Insert a citizen."""
        await self._citizens.insert_one(citizen, session=session)

    async def by_contact(self, contact: Contact, session: Session) -> Document | None:
        """Return who has proved a contact, else the one whom reports left it for."""
        for field in ("verified_contacts", "left_contact"):
            found = await self._citizens.find_one({field: contact.key}, session=session)
            if found is not None:
                return found
        return None

    async def left(self, contact: Contact, blank: Document, session: Session) -> ObjectId:
        """Return the id of the unverified citizen whom reports left a contact for; make it first.

        Never a verified one: who knows an address could file reports in its owner's name.
        """
        key = {"left_contact": contact.key}
        found = await self._citizens.find_one(key, {"_id": 1}, session=session)
        if found is None:
            await self._citizens.insert_one(blank | key, session=session)
        made: ObjectId = blank["_id"] if found is None else found["_id"]
        return made

    async def count_request(self, oid: ObjectId, session: Session) -> Document | None:
        """Count a request of a citizen; return them, with their preferences as they are now.

        A write and no mere read, so that a change of preferences at the same moment conflicts.
        """
        return await self._citizens.find_one_and_update(
            {"_id": oid},
            {"$inc": {"stats.total_requests": 1}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )

    async def count_rating(self, oid: ObjectId, rating: int, session: Session) -> None:
        """Take a rating into a citizen's average, which is kept by its sum and count."""

        def plus(field: str, amount: int) -> dict[str, Any]:
            return {"$add": [{"$ifNull": [f"$stats.{field}", 0]}, amount]}

        counted = {
            "stats.ratings": plus("ratings", 1),
            "stats.rating_sum": plus("rating_sum", rating),
        }
        average = {"$divide": ["$stats.rating_sum", "$stats.ratings"]}
        pipeline = [{"$set": counted}, {"$set": {"stats.avg_rating": average}}]
        await self._citizens.update_one({"_id": oid}, pipeline, session=session)

    async def verify(
        self, oid: ObjectId, contact: Contact, now: datetime, session: Session
    ) -> Document | None:
        """Note that a citizen has proved a contact; return them, None where they are gone.

        Raises:
            DuplicateKeyError: another one has proved it before.
        """
        state = {"state": "verified", "method": contact.channel, "verified_at": now}
        return await self._citizens.find_one_and_update(
            {"_id": oid},
            {
                "$set": {"verification": state},
                "$addToSet": {"verified_contacts": contact.key},
                "$unset": {"left_contact": ""},
            },
            return_document=ReturnDocument.AFTER,
            session=session,
        )

    async def change(
        self, oid: ObjectId, fields: Mapping[str, Any], session: Session
    ) -> Document | None:
        """Set fields by their paths; return the citizen afterwards."""
        if not fields:
            return await self.find(oid, session)
        return await self._citizens.find_one_and_update(
            {"_id": oid},
            {"$set": dict(fields)},
            return_document=ReturnDocument.AFTER,
            session=session,
        )

    async def no_longer_pending(self, oid: ObjectId, session: Session) -> None:
        """Note that every request has the publicity that its citizen wishes."""
        gone = {"$unset": {"visibility_pending": ""}}
        await self._citizens.update_one({"_id": oid}, gone, session=session)

    async def pending(self, limit: int) -> list[ObjectId]:
        """Return citizens whose requests do not all have the publicity that they wish."""
        wanted = {"visibility_pending": {"$exists": True}}
        rows = self._citizens.find(wanted, {"_id": 1}).sort("visibility_pending.epoch", 1)
        return [row["_id"] async for row in rows.limit(limit)]

    async def requests_after(
        self, oid: ObjectId, after: ObjectId | None, limit: int, session: Session
    ) -> list[Document]:
        """Return up to ``limit`` requests of a citizen in the order they were filed."""
        wanted: dict[str, Any] = {"citizen_ref.citizen_id": oid}
        if after is not None:
            wanted["_id"] = {"$gt": after}
        cursor = self._requests.find(wanted, session=session).sort("_id", 1)
        return await cursor.limit(limit).to_list()

    async def newest_requests(
        self, oid: ObjectId, before: ObjectId | None, limit: int
    ) -> list[Document]:
        """Return up to ``limit`` requests of a citizen, the newest first."""
        wanted: dict[str, Any] = {"citizen_ref.citizen_id": oid}
        if before is not None:
            wanted["_id"] = {"$lt": before}
        return await self._requests.find(wanted).sort("_id", -1).limit(limit).to_list()

    async def by_status(self, oid: ObjectId) -> dict[str, int]:
        """Return how many requests of a citizen stand in each status."""
        pipeline: list[dict[str, Any]] = [
            {"$match": {"citizen_ref.citizen_id": oid}},
            {"$group": {"_id": "$status", "count": {"$sum": 1}}},
            {"$sort": {"_id": 1}},
        ]
        cursor = await self._requests.aggregate(pipeline)
        return {row["_id"]: row["count"] async for row in cursor}
