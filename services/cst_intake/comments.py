"""Comments: threads in a request's history."""

from __future__ import annotations

from typing import Any

from bson import ObjectId

from cst_contracts.comments import Comment, CommentCommand, CommentPage
from cst_core.ids import uuid7
from cst_http.tokens import Caller
from cst_intake.access import Access, sees_all
from cst_intake.domain import comments as rules
from cst_intake.domain.paging import read_seq_cursor, seq_cursor
from cst_ledger.events import Document, NewEvent
from cst_ledger.ledger import LOGS
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core


class CommentService:
    """Writes and shows comments."""

    def __init__(self, core: Core, access: Access) -> None:
        self._core = core
        self._access = access
        self._ledger = core.ledger("intake")

    async def add(
        self, request_id: str, command: CommentCommand, caller: Caller, follow: str | None
    ) -> Comment:
        """Write a comment, or a reply to one.

        Raises:
            NotFound: there is no such request for the caller.
            Unauthenticated, Forbidden: it is not theirs to comment on.
            Conflict: it is closed, and the caller is a citizen.
            InvalidInput: the parent is unknown, or the visibility not possible.
        """
        comment_id, is_open = uuid7(), await self._free_text_open()

        async def once(session: Session) -> Comment:
            document = await self._ledger.load(request_id, session)
            by = self._access.writer(document, caller, follow)
            rules.check_open_for(document, by)
            visibility = rules.visibility_of(command, by)
            if command.parent_comment_id is not None:
                events = await self._events(document["_id"], -1, session)
                rules.check_parent(command, by, events, visibility)
            meta = {
                "comment_id": comment_id,
                "parent_comment_id": command.parent_comment_id,
                "visibility": visibility,
            }
            event = NewEvent("comment", by, meta=meta, message=command.message)
            after = await self._ledger.append(document, [event], session)
            stored = await self._events(document["_id"], after["ledger"]["seq"] - 1, session)
            return self._view(stored[-1], None, caller, is_open)

        return await transact(self._core.db, once)

    async def page(
        self, request_id: str, caller: Caller, follow: str | None, cursor: str | None, limit: int
    ) -> CommentPage:
        """Return the comments that the caller sees, in the order they were written.

        Raises:
            NotFound: there is no such request for the caller.
            InvalidInput: the cursor is none of ours.
        """
        after = read_seq_cursor(cursor)
        document = await self._ledger.load(request_id)
        self._access.check_sees(document, caller, follow)
        reporter = self._access.is_reporter(document, caller, follow)
        is_open = await self._free_text_open()
        events = await self._events(document["_id"], after)
        said = rules.moderated(events, "comment")

        def visible(comment_id: str, comment: Document) -> bool:
            last = said.get(comment_id)
            if sees_all(caller) or (reporter and rules.reporter_sees(comment, last)):
                return True
            return rules.is_shown(comment, last, free_text_open=is_open) and (
                document["public"] == "exact"
            )

        found = [c for key, c in rules.comments_of(events).items() if visible(key, c)]
        items = [
            self._view(c, said.get(c["meta"]["comment_id"]), caller, is_open) for c in found[:limit]
        ]
        more = seq_cursor(items[-1].seq) if len(found) > limit else None
        return CommentPage(request_id=request_id, items=items, next_cursor=more)

    async def _free_text_open(self) -> bool:
        return (await self._core.catalog.get()).city.free_text == "open"

    def _view(self, comment: Document, said: str | None, caller: Caller, is_open: bool) -> Comment:
        inside = sees_all(caller)
        shown = rules.is_shown(comment, said, free_text_open=is_open) if inside else None
        fields = rules.comment_fields(comment, author_id=inside, shown=shown)
        return Comment.model_validate(fields)

    async def _events(
        self, oid: ObjectId, after: int, session: Session | None = None
    ) -> list[Document]:
        """Return comments after event ``after``, and all that staff said of any."""
        newer = {"$and": [{"$eq": ["$$e.type", "comment"]}, {"$gt": ["$$e.seq", after]}]}
        said = {"$in": ["$$e.type", ["released", "hidden"]]}
        wanted: dict[str, Any] = {
            "input": "$event_stream",
            "as": "e",
            "cond": {"$or": [newer, said]},
        }
        pipeline: list[dict[str, Any]] = [
            {"$match": {"request_id": oid}},
            {"$sort": {"bucket": 1}},
            {"$project": {"events": {"$filter": wanted}}},
        ]
        cursor = await self._core.db[LOGS.name].aggregate(pipeline, session=session)
        return [event async for row in cursor for event in row["events"]]
