"""What must hold after any faults: each check returns a line for everything that does not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

import orjson

from app.registry import PROJECTIONS
from cst_city.store import AGENTS
from cst_dispatch.queue import QUEUE
from cst_ledger.ledger import REQUESTS
from cst_ledger.verify import verify_all
from cst_mongo.client import Database
from cst_process.core import Core
from cst_testkit.faults.facts import Ledger, Records, consumers
from cst_testkit.faults.garbage import COPY, MALFORMED, MARK

#: What happens at most once to a request on rules v1.0.
ONCE = (
    *("created", "triaged", "assigned", "in_progress", "resolved", "closed"),
    *("assignment_deferred", "sla_response_missed", "sla_breached"),
)


async def broken_chains(db: Database) -> list[str]:
    """I1 to I3: the ledger's own audit of every request."""
    return [f"{v.request_id}: {v.problems}" async for v in verify_all(db) if not v.ok]


def strange_topic(records: Records, ledger: Ledger, *, once: bool = False) -> list[str]:
    """I4: repeats dropped, each key's records are the ledger's events of it, in order.

    ``once``: there are no repeats to drop, but those that were put in.
    """
    lines: list[str] = []
    kept: dict[str, list[str]] = defaultdict(list)
    for record in records:
        mark = dict(record.headers).get(MARK)
        if mark == MALFORMED:
            continue
        event, key = orjson.loads(record.value or b"null"), (record.key or b"").decode()
        if event["subject"] != key or event["seq"] > len(kept[key]):
            at = f"partition {record.partition} offset {record.offset}"
            lines.append(f"{at}: {event['subject']} seq {event['seq']} after {len(kept[key])}")
        elif event["seq"] == len(kept[key]):
            kept[key].append(event["id"])
        elif once and mark is None:
            lines.append(f"{key}: seq {event['seq']} once more at offset {record.offset}")
    for key in sorted(ledger.keys() | kept.keys()):
        stored = [event.event_id for event in ledger.get(key, ())]
        if stored != kept[key]:
            lines.append(f"{key}: {len(stored)} events, {len(kept[key])} in the topic, or others")
    return lines


def repeated_effects(ledger: Ledger) -> list[str]:
    """I5: what may happen once to a request has not happened twice."""
    lines: list[str] = []
    for request_id, events in ledger.items():
        counts = Counter(event.type for event in events)
        lines += [f"{request_id}: {counts[t]} times {t}" for t in ONCE if counts[t] > 1]
        given = counts["agent_reserved"] - counts["agent_released"]
        if given not in (0, 1):
            lines.append(f"{request_id}: {given} units of capacity taken")
    return lines


async def wrong_workloads(db: Database) -> list[str]:
    """Each agent's open_assignments is the number of requests that are assigned to them."""
    held = Counter[object]()
    working = {"status": {"$in": ["assigned", "in_progress"]}, "duplicates.is_master": True}
    async for request in db[REQUESTS.name].find(working, {"assignment": 1}):
        held[request["assignment"]["assigned_agent_id"]] += 1
    return [
        f"{agent['agent_code']}: {agent['open_assignments']} open, holds {held[agent['_id']]}"
        async for agent in db[AGENTS.name].find()
        if agent["open_assignments"] != held[agent["_id"]]
    ]


async def stuck_requests(core: Core, ledger: Ledger) -> list[str]:
    """A request goes on by itself until it is assigned, unless something says why it waits.

    Duplicates are ``wrong_duplicates``' matter.
    """
    categories = (await core.catalog.get()).categories
    queued = {row["_id"] async for row in core.db[QUEUE.name].find({}, {"_id": 1})}
    lines: list[str] = []
    async for request in core.db[REQUESTS.name].find(
        {"duplicates.is_master": True}, {"request_id": 1, "status": 1, "category": 1}
    ):
        request_id, status = request["request_id"], request["status"]
        if status == "new" and categories[request["category"]].triage != "staff":
            lines.append(f"{request_id}: new, and its category is triaged by rule")
        told = any(e.type == "assignment_deferred" for e in ledger.get(request_id, ()))
        if status == "triaged" and not (told and request_id in queued):
            lines.append(f"{request_id}: triaged; deferred: {told}, queued: {request_id in queued}")
        if status != "triaged" and request_id in queued:
            lines.append(f"{request_id}: {status}, and still in the queue")
    return lines


async def wrong_duplicates(db: Database) -> list[str]:
    """Both sides of each link say the same, no master is a duplicate, duplicates follow it."""
    lines: list[str] = []
    rows = {row["request_id"]: row async for row in db[REQUESTS.name].find({}, _LINKS)}
    for request_id, row in rows.items():
        linked = row["duplicates"]
        master = rows.get(linked["master_request_id"])
        if linked["is_master"]:
            followers = linked["linked_duplicates"]
            strangers = [f for f in followers if _master_of(rows, f) != request_id]
            lines += [f"{request_id}: {stranger} does not know it" for stranger in strangers]
        elif master is None or request_id not in master["duplicates"]["linked_duplicates"]:
            lines.append(f"{request_id}: {linked['master_request_id']} does not know it")
        elif row["status"] != master["status"]:
            lines.append(f"{request_id}: {row['status']}, its master is {master['status']}")
    return lines


_LINKS = {"request_id": 1, "status": 1, "duplicates": 1}


def _master_of(rows: Mapping[str, Any], request_id: str) -> object:
    return rows[request_id]["duplicates"]["master_request_id"] if request_id in rows else None


def wrong_dead_letters(core: Core, dead: Records, injected: set[int]) -> list[str]:
    """Every consumer has given up on each malformed record, and on nothing else."""
    lines: list[str] = []
    given_up: dict[int, set[str]] = defaultdict(set)
    for record in dead:
        headers = dict(record.headers)
        why = headers.get("cst_dlq_error", b"").decode(errors="replace")
        if headers.get(MARK) != MALFORMED:
            copy = " (a copy)" if headers.get(MARK) == COPY else ""
            lines.append(f"offset {record.offset}: key {record.key!r}{copy}: {why[:300]}")
            continue
        number = int(headers[f"{MARK}_no"])
        given_up[number].add(headers["cst_dlq_consumer"].decode())
    names = {sub.handler.name for sub in consumers(core)}
    for number in sorted(injected):
        if missing := names - given_up[number]:
            lines.append(f"malformed record of fault {number}: not given up by {sorted(missing)}")
    return lines


async def wrong_projections(core: Core) -> list[str]:
    """Whatever is derived from the ledger is what the ledger says."""
    return [
        f"{name}: {line}"
        for name, spec in PROJECTIONS.items()
        for line in await spec.build(core).check()
    ]


async def wrong_keys(db: Database, answers: Mapping[str, set[str]]) -> list[str]:
    """Each idempotency key is one request, the one that every answer named; there is no other."""
    lines = [f"{key}: answered {sorted(ids)}" for key, ids in answers.items() if len(ids) != 1]
    rows: dict[str, Any] = {}
    async for row in db["idempotency_keys"].find():
        rows[orjson.loads(row["_id"])[1]] = row["request_id"]
    stored = set(await db[REQUESTS.name].distinct("request_id"))
    for key in sorted(answers.keys() | rows.keys()):
        if answers.get(key) != {rows.get(key)}:
            lines.append(f"{key}: answered {answers.get(key)}, stored for {rows.get(key)}")
        elif rows[key] not in stored:
            lines.append(f"{key}: there is no request {rows[key]}")
    lines += [f"{request_id}: no key made it" for request_id in stored - set(rows.values())]
    return lines
