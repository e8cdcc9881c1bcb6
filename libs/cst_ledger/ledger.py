"""The ledger: state change and events in one transaction, guarded by ``ledger.seq``.

Nothing else writes ``service_requests`` or appends to ``performance_logs.event_stream``. An append
is ``$push`` of the new events with ``$set`` of ``last_seq`` and ``updated_at``, nothing more: the
relay tells it from other updates by ``last_seq``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

import bson
from pymongo import ASCENDING, DESCENDING, GEOSPHERE, IndexModel, UpdateOne

from cst_core.clock import Clock, wall_now
from cst_core.errors import NotFound, StaleVersion, TooLarge
from cst_ledger.events import Document, NewEvent
from cst_ledger.fold import text_changes
from cst_ledger.rules import RuleBook
from cst_ledger.rules_store import learn
from cst_ledger.seal import Sealer
from cst_ledger.writes import Write, pushes_of, state_update, write_all
from cst_mongo.client import Database, Session
from cst_mongo.indexes import CollectionSpec
from cst_mongo.transactions import transact

#: A request document is at most this large, in bytes of BSON.
MAX_DOCUMENT = 1_000_000

#: Index of what an actor wrote, newest first: ids of events are UUIDv7, so they sort by time.
BY_ACTOR = "by_actor"

REQUESTS = CollectionSpec(
    "service_requests",
    (
        IndexModel([("request_id", ASCENDING)], unique=True),
        IndexModel([("location", GEOSPHERE)]),
        IndexModel([("status", ASCENDING)]),
        IndexModel([("priority", ASCENDING)]),
        IndexModel([("category", ASCENDING)]),
        IndexModel([("location.zone_id", ASCENDING)]),
        IndexModel([("timestamps.created_at", ASCENDING), ("_id", ASCENDING)]),
        IndexModel([("timestamps.updated_at", ASCENDING)]),
        IndexModel([("duplicates.master_request_id", ASCENDING)]),
        IndexModel([("duplicates.is_master", ASCENDING)]),
        IndexModel([("assignment.assigned_agent_id", ASCENDING), ("status", ASCENDING)]),
        IndexModel(
            [
                ("priority", ASCENDING),
                ("timestamps.created_at", ASCENDING),
                ("request_id", ASCENDING),
            ],
            name="waiting_for_triage",
            partialFilterExpression={"status": "new", "historic": False},
        ),
        IndexModel(
            [("citizen_ref.citizen_id", ASCENDING), ("_id", ASCENDING)],
            # Whatever object id: most reports are anonymous, and are not in it.
            partialFilterExpression={"citizen_ref.citizen_id": {"$gt": bson.ObjectId(b"\0" * 12)}},
        ),
        IndexModel(
            [
                ("category", ASCENDING),
                ("location.h3", ASCENDING),
                ("status", ASCENDING),
                ("timestamps.created_at", ASCENDING),
            ],
            name="masters_nearby",
            partialFilterExpression={"duplicates.is_master": True, "historic": False},
        ),
        IndexModel(
            [("workflow.hold.until", ASCENDING)],
            name="held_until",
            partialFilterExpression={"workflow.hold.until": {"$exists": True}},
        ),
        IndexModel(
            [
                ("duplicates.is_master", ASCENDING),
                ("dispute", ASCENDING),
                ("timestamps.resolved_at", ASCENDING),
            ],
            name="waiting_to_close",
            partialFilterExpression={"status": "resolved"},
        ),
        IndexModel(
            [("source.system", ASCENDING), ("source.id", ASCENDING)],
            unique=True,
            partialFilterExpression={"source.id": {"$exists": True}},
        ),
    ),
    post_images=True,
)
LOGS = CollectionSpec(
    "performance_logs",
    (
        IndexModel([("request_id", ASCENDING), ("bucket", ASCENDING)], unique=True),
        IndexModel([("updated_at", ASCENDING), ("bucket", ASCENDING)]),
        IndexModel(
            [
                ("event_stream.by.actor_type", ASCENDING),
                ("event_stream.by.actor_id", ASCENDING),
                ("event_stream.event_id", DESCENDING),
            ],
            name=BY_ACTOR,
        ),
    ),
)

Decide = Callable[[Document], Sequence[NewEvent]]


class Ledger:
    """Writes requests on behalf of one service."""

    def __init__(self, db: Database, service: str, rules: RuleBook, clock: Clock) -> None:
        self._db = db
        self._requests = db[REQUESTS.name]
        self._logs = db[LOGS.name]
        self._sealer = Sealer(service, rules)
        self.rules = rules
        self.clock = clock

    async def load(self, request_id: str, session: Session | None = None) -> Document:
        """Return the request document; ``NotFound`` where there is none."""
        document = await self._requests.find_one({"request_id": request_id}, session=session)
        if document is None:
            raise NotFound(f"no request {request_id}", request_id=request_id)
        await learn(self.rules, self._db, document["workflow"]["transition_rules_version"])
        return document

    async def load_many(self, request_ids: Iterable[str], session: Session) -> dict[str, Document]:
        """Return request documents by id, in one round trip; ``NotFound`` where one is missing."""
        wanted = dict.fromkeys(request_ids)
        cursor = self._requests.find({"request_id": {"$in": list(wanted)}}, session=session)
        found = {document["request_id"]: document async for document in cursor}
        for request_id in wanted:
            if request_id not in found:
                raise NotFound(f"no request {request_id}", request_id=request_id)
        for version in {doc["workflow"]["transition_rules_version"] for doc in found.values()}:
            await learn(self.rules, self._db, version)
        return found

    async def create(self, request_id: str, first: NewEvent, session: Session) -> Document:
        """Insert a request with its first event (``created``), within ``session``.

        Returns:
            The stored document, which is what ``first.changes`` and its text describe.

        Raises:
            TooLarge: the document is over the cap.
        """
        document, log = self._first(request_id, first)
        await self._requests.insert_one(document, session=session)
        await self._logs.insert_one(log, session=session)
        return document

    async def import_many(
        self, firsts: Sequence[tuple[str, NewEvent]], session: Session
    ) -> list[Document]:
        """Insert many requests, each with its ``imported`` event, within ``session``."""
        pairs = [self._first(request_id, first) for request_id, first in firsts]
        if pairs:
            await self._requests.insert_many([d for d, _ in pairs], session=session)
            await self._logs.insert_many([log for _, log in pairs], session=session)
        return [document for document, _ in pairs]

    def _first(self, request_id: str, first: NewEvent) -> tuple[Document, Document]:
        event, document = self._sealer.seal(request_id, None, first, now=self.clock.now())
        document = {"_id": bson.ObjectId(), "request_id": request_id, **document}
        _check_size(document)
        log = {
            "request_id": document["_id"],
            "bucket": 0,
            "event_stream": [event],
            "last_seq": 0,
            "updated_at": wall_now(),
            "computed_kpis": None,
            "citizen_feedback": None,
        }
        return document, log

    async def record(
        self,
        request_id: str,
        decide: Decide,
        *,
        expected_version: int | None = None,
        also: Callable[[Session, Document], Awaitable[None]] | None = None,
        session: Session | None = None,
    ) -> Document:
        """Load a request, let ``decide`` say what happens to it, and write that in a transaction.

        ``decide`` is pure and may run several times (a conflicting write makes it run again on the
        new state); no events, no write. ``also`` writes what belongs into the same transaction.

        Returns:
            The document afterwards.

        Raises:
            NotFound: no such request.
            StaleVersion: ``expected_version`` is not the current one.
            TransitionRefused, MissingFields, InvalidInput: a step against the rules.
        """

        async def once(session: Session) -> Document:
            document = await self.load(request_id, session)
            check_version(document, expected_version)
            events = decide(document)
            if also is not None:
                await also(session, document)
            return await self.append(document, events, session)

        return await once(session) if session is not None else await transact(self._db, once)

    async def append(
        self, document: Document, events: Sequence[NewEvent], session: Session
    ) -> Document:
        """Append ``events`` to a document read in ``session``; return the document afterwards.

        Raises:
            StaleHead: the document was not read in this transaction and has moved since.
        """
        (after,) = await self.append_many([(document, events)], session)
        return after

    async def append_many(
        self, appends: Sequence[tuple[Document, Sequence[NewEvent]]], session: Session
    ) -> list[Document]:
        """Append to several requests, each read in ``session`` and named once, in two round trips.

        Raises:
            StaleHead: one of the documents was not read in this transaction and has moved since.
        """
        afters, states, pushes = list[Document](), list[UpdateOne](), list[Write]()
        for document, events in appends:
            after = document
            if events:
                after, sealed, changed = self._seal(document, events)
                states.append(state_update(document, after, changed))
                pushes += pushes_of(document["_id"], sealed)
            afters.append(after)
        await write_all(self._requests, states, session)
        await write_all(self._logs, pushes, session)
        return afters

    def _seal(
        self, document: Document, events: Sequence[NewEvent]
    ) -> tuple[Document, list[Document], set[str]]:
        """Return the document after ``events``, these as they are stored, and the paths changed."""
        after, sealed, changed = document, list[Document](), set[str]()
        now = self.clock.now()
        for new in events:
            event, after_event = self._sealer.seal(document["request_id"], after, new, now=now)
            changed |= event["changes"].keys() | text_changes(after, event).keys()
            after = after_event
            sealed.append(event)
        _check_size(after)
        return after, sealed, changed


def check_version(document: Document, expected: int | None) -> None:
    """Raise ``StaleVersion`` unless ``expected`` is None or the document's version."""
    if expected is not None and document["version"] != expected:
        raise StaleVersion(
            f"{document['request_id']} is at version {document['version']}, not {expected}",
            expected_version=expected,
            current_version=document["version"],
        )


def _check_size(document: Document) -> None:
    size = len(bson.encode(document))
    if size > MAX_DOCUMENT:
        raise TooLarge(f"the request would be {size} bytes, at most {MAX_DOCUMENT} are allowed")
