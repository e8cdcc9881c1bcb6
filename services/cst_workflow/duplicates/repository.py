"""Queries of duplicates: who is near, what guards a place, what was suggested and refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, IndexModel, UpdateOne

from cst_contracts.enums import OPEN_STATUSES
from cst_ledger.events import Document
from cst_ledger.ledger import REQUESTS
from cst_mongo.client import Database, Session
from cst_mongo.indexes import CollectionSpec
from cst_workflow.domain.duplicates import Report, Rules

GUARDS = CollectionSpec("duplicate_guards")
SUGGESTIONS = CollectionSpec(
    "duplicate_suggestions",
    (
        IndexModel([("state", ASCENDING), ("suggested_at", ASCENDING), ("_id", ASCENDING)]),
        IndexModel([("request_id", ASCENDING), ("state", ASCENDING)]),
        IndexModel([("master_request_id", ASCENDING), ("state", ASCENDING)]),
    ),
)
SUPPORTERS = CollectionSpec("request_supporters")
SPECS = (GUARDS, SUGGESTIONS, SUPPORTERS)

_OPEN = sorted(OPEN_STATUSES)
_FIELDS = dict.fromkeys(
    ("request_id", "source", "location", "timestamps", "priority", "status", "duplicates"), 1
)


def suggestion_id(request_id: str, master_id: str) -> str:
    """Return the id of the suggestion that a request is a duplicate of another."""
    return f"{request_id}.{master_id}"


class DuplicateRepository:
    """Reads what may be one thing; keeps guards, suggestions and supporters."""

    def __init__(self, db: Database) -> None:
        self._requests = db[REQUESTS.name]
        self._guards = db[GUARDS.name]
        self._suggestions = db[SUGGESTIONS.name]
        self._supporters = db[SUPPORTERS.name]

    async def touch(self, guards: Iterable[str], session: Session) -> None:
        """Write the guards of places, so that two who look around there at once conflict."""
        touches = [
            UpdateOne({"_id": guard}, {"$inc": {"touched": 1}}, upsert=True)
            for guard in sorted(guards)
        ]
        if touches:
            await self._guards.bulk_write(touches, ordered=True, session=session)

    @staticmethod
    def near(report: Report, category: str, rules: Rules) -> dict[str, Any]:
        """Return the filter of the open masters in the cells around a report, within the window.

        The index ``masters_nearby`` answers it: its cost follows what is open and near, not what
        is stored.
        """
        window = timedelta(hours=rules.window_hours)
        return {
            "category": category,
            "location.h3": {"$in": report.leaves(rules)},
            "status": {"$in": _OPEN},
            "timestamps.created_at": {
                "$gte": report.created_at - window,
                "$lte": report.created_at + window,
            },
            "duplicates.is_master": True,
            "historic": False,
            "location.located": True,
            "request_id": {"$ne": report.request_id},
        }

    async def around(
        self, report: Report, category: str, rules: Rules, session: Session
    ) -> list[Document]:
        """Return parts of the open masters in the cells around a report, within the window."""
        wanted = self.near(report, category, rules)
        return await self._requests.find(wanted, _FIELDS, session=session).to_list()

    async def refused(self, request_id: str, session: Session) -> set[str]:
        """Return the requests that staff held to be another matter than this one."""
        either = {"$or": [{"request_id": request_id}, {"master_request_id": request_id}]}
        cursor = self._suggestions.find({"state": "refused", **either}, session=session)
        return {
            row["master_request_id"] if row["request_id"] == request_id else row["request_id"]
            async for row in cursor
        }

    async def suggestion(self, key: str, session: Session | None = None) -> Document | None:
        """Return a suggestion by its id."""
        return await self._suggestions.find_one({"_id": key}, session=session)

    async def suggest(
        self,
        request_id: str,
        master_id: str,
        fields: dict[str, Any],
        session: Session,
    ) -> bool:
        """Keep a suggestion as open; False where it is already, or where staff have decided."""
        key = suggestion_id(request_id, master_id)
        known = await self.suggestion(key, session)
        if known is not None and known["state"] != "void":
            return False
        row = {
            "request_id": request_id,
            "master_request_id": master_id,
            "state": "open",
            "decided_by": None,
            "decided_at": None,
            **fields,
        }
        await self._suggestions.replace_one({"_id": key}, row, upsert=True, session=session)
        return True

    async def decide(
        self, key: str, fields: dict[str, Any], state: str, by: str, at: datetime, session: Session
    ) -> None:
        """Note what staff decided of a pair, whether it was suggested before or not."""
        decided = {"state": state, "decided_by": by, "decided_at": at}
        await self._suggestions.update_one(
            {"_id": key}, {"$set": decided, "$setOnInsert": fields}, upsert=True, session=session
        )

    async def void(self, request_ids: Sequence[str], session: Session, *, as_master: bool) -> None:
        """Take back what is suggested of requests; with ``as_master`` of others with them, too."""
        if not request_ids:
            return
        these = {"$in": list(request_ids)}
        sides: list[dict[str, Any]] = [{"request_id": these}]
        if as_master:
            sides.append({"master_request_id": these})
        await self._suggestions.update_many(
            {"$or": [{**side, "state": "open"} for side in sides]},
            {"$set": {"state": "void"}},
            session=session,
        )

    async def open_suggestions(
        self, after: tuple[datetime, str] | None, limit: int
    ) -> list[Document]:
        """Return up to ``limit`` open suggestions, oldest first."""
        wanted: dict[str, Any] = {"state": "open"}
        if after is not None:
            at, key = after
            wanted["$or"] = [
                {"suggested_at": {"$gt": at}},
                {"suggested_at": at, "_id": {"$gt": key}},
            ]
        order = [("suggested_at", ASCENDING), ("_id", ASCENDING)]
        return await self._suggestions.find(wanted).sort(order).limit(limit).to_list()

    async def has_supported(self, key: str, session: Session | None = None) -> bool:
        """Tell whether a supporter has been counted."""
        return await self._supporters.find_one({"_id": key}, session=session) is not None

    async def add_supporter(self, key: str, session: Session) -> None:
        """Remember a supporter; ``DuplicateKeyError`` where it is known."""
        await self._supporters.insert_one({"_id": key}, session=session)
