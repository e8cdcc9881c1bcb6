"""CST's create against the bare driver doing the same two writes in a transaction.

``python -m tests.bench.creates``. One process, the same number of concurrent tasks for each.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

from bson import ObjectId
from fastapi import FastAPI
from starlette.types import Message
from tests.bench.common import Round, compare, in_parallel, prepared, rounds_for, run_bench

from app.registry import APIS
from cst_contracts.requests import CreateRequest
from cst_http.app import create_app
from cst_http.tokens import Caller, Tokens
from cst_intake.requests import RequestService
from cst_ledger.ledger import LOGS, REQUESTS
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core, open_core
from cst_stack import Endpoints

TASKS = 16
BODY: dict[str, Any] = {
    "category": "pothole",
    "description": "Large pothole near downtown",
    "location": {"type": "Point", "coordinates": [-74.0, 40.71], "address_hint": "Main St"},
}


def _bare(core: Core, document: dict[str, Any], log: dict[str, Any], count: int) -> Round:
    """The same two documents, inserted in a transaction by the driver alone."""
    numbers = itertools.count()
    requests, logs = core.db[REQUESTS.name], core.db[LOGS.name]

    async def insert(_: int) -> None:
        async def once(session: Session) -> None:
            oid = ObjectId()
            row = {**document, "_id": oid, "request_id": f"BARE-{next(numbers)}"}
            await requests.insert_one(row, session=session)
            entry = {**log, "_id": ObjectId(), "request_id": oid}
            await logs.insert_one(entry, session=session)

        await transact(core.db, once)

    return lambda: in_parallel(count, TASKS, insert)


def _use_case(service: RequestService, count: int) -> Round:
    command = CreateRequest.model_validate(BODY)

    async def create(_: int) -> None:
        await service.create(command, Caller(), None)

    return lambda: in_parallel(count, TASKS, create)


def _over_asgi(app: FastAPI, count: int, *, keyed: bool) -> Round:
    """The app as a server calls it, without an HTTP client's own cost in the same process."""
    keys = itertools.count()
    body = json.dumps(BODY).encode()

    async def create(_: int) -> None:
        headers = [(b"content-type", b"application/json")]
        if keyed:
            headers.append((b"idempotency-key", b"bench-%d" % next(keys)))
        status = await _call(app, headers, body)
        assert status == 201, status

    return lambda: in_parallel(count, TASKS, create)


async def _call(app: FastAPI, headers: list[tuple[bytes, bytes]], body: bytes) -> int:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/requests/",
        "raw_path": b"/requests/",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    statuses: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    return statuses[0]


async def _run(stack: Endpoints, rows: int) -> None:
    settings = await prepared(stack)
    app = create_app("bench", list(APIS.values()), lambda: open_core(settings, "bench"))
    async with open_core(settings, "bench") as core, app.router.lifespan_context(app):
        service = RequestService(core, Tokens(settings))
        made = await service.create(CreateRequest.model_validate(BODY), Caller(), None)
        log = await core.db[LOGS.name].find_one({"request_id": made.document["_id"]})
        assert log is not None
        count = max(200, rows // 20)
        await compare(
            f"create, {count} a round, {TASKS} tasks",
            {
                "bare driver, the same two inserts": _bare(core, made.document, log, count),
                "CST use case": _use_case(service, count),
                "CST over ASGI (JSON, validation, answer)": _over_asgi(app, count, keyed=False),
                "the same with an Idempotency-Key": _over_asgi(app, count, keyed=True),
            },
            rounds_for(rows),
        )


if __name__ == "__main__":
    run_bench(__doc__, _run)
