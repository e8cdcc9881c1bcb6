"""The app around the routes: problems, limits and metrics, whatever a route does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Request
from pymongo.errors import AutoReconnect, OperationFailure, WriteConcernError

from cst_core.errors import Conflict, InvalidInput
from cst_http.app import ServiceApi, create_app
from cst_http.middleware import MAX_BODY

router = APIRouter()


@router.get("/raise/{kind}")
async def raise_one(kind: str) -> None:
    raise {
        "bug": RuntimeError("secret detail"),
        "database": AutoReconnect("db.internal:27017 refused"),
        "shutdown": WriteConcernError("db.internal: interrupted at shutdown", 11600),
        "query": OperationFailure("secret detail", 2),
        "conflict": Conflict("taken", by="somebody"),
        "field": InvalidInput.field("colour", "is no colour", "loud", ["red"]),
    }[kind]


@router.post("/echo")
async def echo(request: Request) -> int:
    return len(await request.body())


@asynccontextmanager
async def _never_opened() -> AsyncIterator[Any]:
    raise AssertionError("these routes need no core")
    yield


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    service = ServiceApi("test", router, lambda *_: None)
    transport = httpx.ASGITransport(
        create_app("test", [service], _never_opened), raise_app_exceptions=False
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


@pytest.mark.parametrize(
    ("kind", "status", "problem"),
    [
        ("bug", 500, "internal"),
        ("database", 503, "unavailable"),
        ("shutdown", 503, "unavailable"),
        ("query", 500, "internal"),
        ("conflict", 409, "conflict"),
        ("field", 422, "invalid-input"),
    ],
)
async def test_every_error_is_a_problem_document(
    client: httpx.AsyncClient, kind: str, status: int, problem: str
) -> None:
    answer = await client.get(f"/raise/{kind}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == f"/problems/{problem}"
    assert (body["status"], body["instance"]) == (status, f"/raise/{kind}")


@pytest.mark.parametrize("kind", ["bug", "database"])
async def test_nothing_internal_reaches_the_caller(client: httpx.AsyncClient, kind: str) -> None:
    text = (await client.get(f"/raise/{kind}")).text
    assert not any(word in text for word in ("secret detail", "Traceback", "db.internal"))


async def test_a_problem_carries_what_its_error_knows(client: httpx.AsyncClient) -> None:
    assert (await client.get("/raise/conflict")).json()["by"] == "somebody"
    assert (await client.get("/raise/field")).json()["errors"] == [
        {"field": "colour", "message": "is no colour", "value": "loud", "allowed": ["red"]}
    ]


async def chunked(size: int) -> AsyncIterator[bytes]:
    while size > 0:
        yield b"x" * min(size, 65536)
        size -= 65536


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize(("size", "status"), [(MAX_BODY, 200), (MAX_BODY + 1, 413)])
async def test_a_body_is_limited_announced_or_not(
    client: httpx.AsyncClient, announced: bool, size: int, status: int
) -> None:
    content: Any = b"x" * size if announced else chunked(size)
    answer = await client.post("/echo", content=content)
    assert answer.status_code == status
    if status == 200:
        assert answer.json() == size


async def test_answers_are_counted_by_route_not_by_path(client: httpx.AsyncClient) -> None:
    await client.get("/raise/conflict")
    await client.get("/nowhere/at/all")
    text = (await client.get("/metrics")).text
    assert 'cst_http_requests_total{method="GET",route="/raise/{kind}",status="409"}' in text
    assert 'route="unmatched",status="404"' in text
    assert "/nowhere/at/all" not in text


async def test_alive_needs_nothing(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}
