"""The audit: does the chain hold, and is the document what its events say?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cst_core.errors import NotFound
from cst_ledger.chain import GENESIS, event_hash, text_is_genuine
from cst_ledger.events import Document
from cst_ledger.fold import fold
from cst_ledger.ledger import LOGS, REQUESTS
from cst_ledger.seal import bucket_of
from cst_mongo.client import Database, Session
from cst_mongo.transactions import transact

BATCH = 500
_NOT_FOLDED = frozenset({"_id", "request_id", "ledger"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result for one request; ``problems`` name the seq they were found at."""

    request_id: str
    events: int
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems


def verify_request(document: Document, logs: Sequence[Document]) -> Verdict:
    """Check one request against its ledger documents (in bucket order)."""
    events = [event for log in logs for event in log["event_stream"]]
    problems = [*_chain_problems(document["request_id"], events), *_bucket_problems(logs)]
    head = {
        "seq": len(events) - 1,
        "hash": events[-1].get("hash") if events else GENESIS,
        "bucket": bucket_of(len(events) - 1),
    }
    for key, value in head.items():
        if document["ledger"][key] != value:
            problems.append(
                f"seq {head['seq']}: the document's ledger.{key} is {document['ledger'][key]}, "
                f"the last event's is {value}"
            )
    if not problems:
        problems += _state_problems(document, events)
    return Verdict(document["request_id"], len(events), problems)


def _chain_problems(request_id: str, events: Sequence[Document]) -> list[str]:
    problems: list[str] = []
    prev = GENESIS
    for index, event in enumerate(events):
        seq = event.get("seq")
        if seq != index:
            problems.append(f"seq {seq}: expected {index}, so there is a gap or a repeat")
        if event.get("subject") != request_id:
            problems.append(f"seq {seq}: subject is {event.get('subject')}")
        if event.get("prev_hash") != prev:
            problems.append(f"seq {seq}: prev_hash does not continue the chain")
        if (problem := _event_problem(event)) is not None:
            problems.append(f"seq {seq}: {problem}")
        prev = str(event.get("hash"))
    return problems


def _event_problem(event: Document) -> str | None:
    """What is wrong with an event by itself; one altered enough cannot even be read."""
    try:
        if event_hash(event) != event["hash"]:
            return "the event was altered (its hash does not fit)"
        if not text_is_genuine(event):
            return "the text was altered (its digest does not fit)"
    except (KeyError, TypeError, AttributeError) as error:
        return f"the event was altered (it cannot be read: {type(error).__name__} {error})"
    return None


def _bucket_problems(logs: Sequence[Document]) -> list[str]:
    problems = []
    for number, log in enumerate(logs):
        seqs = [event.get("seq") for event in log["event_stream"]]
        misplaced = [seq for seq in seqs if not isinstance(seq, int) or bucket_of(seq) != number]
        if log["bucket"] != number or misplaced:
            problems.append(f"seq {misplaced[:1] or seqs[:1]}: stands in bucket {log['bucket']}")
        if seqs and log["last_seq"] != seqs[-1]:
            problems.append(f"seq {seqs[-1]}: the bucket's last_seq is {log['last_seq']}")
    return problems


def _state_problems(document: Document, events: Sequence[Document]) -> list[str]:
    state = fold(events) or {}
    keys = (set(state) | set(document)) - _NOT_FOLDED
    return [
        f"seq {len(events) - 1}: the document's {key} is not what its events say"
        for key in sorted(keys)
        if document.get(key) != state.get(key)
    ]


async def verify_one(db: Database, request_id: str) -> Verdict:
    """Verify one request, read as it stands at one instant; ``NotFound`` where there is none."""

    async def read(session: Session) -> Verdict:
        document = await db[REQUESTS.name].find_one({"request_id": request_id}, session=session)
        if document is None:
            raise NotFound(f"no request {request_id}", request_id=request_id)
        cursor = db[LOGS.name].find({"request_id": document["_id"]}, session=session)
        return verify_request(document, await cursor.sort("bucket", 1).to_list())

    return await transact(db, read)


async def verify_all(db: Database) -> AsyncIterator[Verdict]:
    """Verify every request, in ``_id`` order, then report logs whose request is missing."""
    batch: list[Document] = []
    async for document in db[REQUESTS.name].find().sort("_id", 1).batch_size(BATCH):
        batch.append(document)
        if len(batch) == BATCH:
            async for verdict in _verify_batch(db, batch):
                yield verdict
            batch = []
    async for verdict in _verify_batch(db, batch):
        yield verdict
    async for verdict in _orphans(db):
        yield verdict


async def _verify_batch(db: Database, batch: list[Document]) -> AsyncIterator[Verdict]:
    logs: dict[object, list[Document]] = {document["_id"]: [] for document in batch}
    cursor = db[LOGS.name].find({"request_id": {"$in": list(logs)}}).sort("bucket", 1)
    async for log in cursor:
        logs[log["request_id"]].append(log)
    for document in batch:
        verdict = verify_request(document, logs[document["_id"]])
        # Document and log were read apart: what was being written meanwhile is read again as one.
        yield verdict if verdict.ok else await verify_one(db, document["request_id"])


async def _orphans(db: Database) -> AsyncIterator[Verdict]:
    pipeline: list[dict[str, Any]] = [
        {"$match": {"bucket": 0}},
        {
            "$lookup": {
                "from": REQUESTS.name,
                "localField": "request_id",
                "foreignField": "_id",
                "pipeline": [{"$project": {"_id": 1}}],
                "as": "request",
            }
        },
        {"$match": {"request": []}},
    ]
    async for log in await db[LOGS.name].aggregate(pipeline):
        subject = log["event_stream"][0]["subject"] if log["event_stream"] else str(log["_id"])
        yield Verdict(subject, len(log["event_stream"]), ["seq 0: the request document is missing"])
