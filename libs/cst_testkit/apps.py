"""The API in process: every service's routes over a fresh database with New York in it."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from fastapi import FastAPI

from app.registry import APIS
from cst_core.settings import Settings, load_settings
from cst_http.app import create_app
from cst_process.core import Core, open_core
from cst_testkit.cities import load_new_york
from cst_testkit.databases import fresh_database

SECRET = "a test's signing key, which is long enough for every algorithm that a test tries"
#: A Tuesday noon in New York: day shifts are on. The clock runs from there.
TUESDAY_NOON = "2026-03-03T12:00:00-05:00@1"
#: The specification's example: a point in zone MN03.
DOWNTOWN = (-74.0, 40.71)
_numbers = itertools.count(1)


def report(**overrides: Any) -> dict[str, Any]:
    """Return the body of the specification's example; keyword arguments replace fields."""
    body: dict[str, Any] = {
        "citizen_ref": {"citizen_id": None, "anonymous": True, "contact_channel": "none"},
        "category": "pothole",
        "description": "Large pothole near downtown",
        "location": {
            "type": "Point",
            "coordinates": list(DOWNTOWN),
            "address_hint": "Main St",
        },
    }
    return body | overrides


def agent_body(**overrides: Any) -> dict[str, Any]:
    """Return the body of a new roads agent of lower Manhattan, on call at any time."""
    body: dict[str, Any] = {
        "agent_code": f"TEST-{next(_numbers)}",
        "name": "Tess Ting",
        "department": "DOT",
        "skills": ["roads"],
        "coverage": {"zone_ids": ["MN03"]},
        "schedule": {"timezone": "America/New_York", "on_call": True},
        "capacity": 3,
    }
    return body | overrides


@dataclass(frozen=True)
class Api:
    """A running app and an anonymous client of it."""

    app: FastAPI
    core: Core
    client: httpx.AsyncClient

    def token(self, *roles: str, subject: str = "tester", ttl_s: float = 600) -> str:
        """Return a local token."""
        ttl = timedelta(seconds=ttl_s)
        issued: str = self.app.state.tokens.issue(subject, list(roles), ttl=ttl)
        return issued

    def as_(self, *roles: str, subject: str = "tester") -> dict[str, str]:
        """Return the headers of a caller with ``roles``."""
        return {"Authorization": f"Bearer {self.token(*roles, subject=subject)}"}

    async def file(self, **overrides: Any) -> dict[str, Any]:
        """File a request and return the answer."""
        answer = await self.client.post("/requests/", json=report(**overrides))
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created

    async def hire(self, **overrides: Any) -> dict[str, Any]:
        """Add an agent (see ``agent_body``) and return it."""
        body = agent_body(**overrides)
        answer = await self.client.post("/agents", json=body, headers=self.as_("admin"))
        assert answer.status_code == 201, answer.text
        agent: dict[str, Any] = answer.json()
        return agent

    async def step(
        self, request_id: str, to: str, *roles: str, subject: str = "tester", **fields: Any
    ) -> httpx.Response:
        """Ask for a transition, as a dispatcher unless ``roles`` say otherwise."""
        return await self.client.patch(
            f"/requests/{request_id}/transition",
            json={"to": to, **fields},
            headers=self.as_(*(roles or ("dispatcher",)), subject=subject),
        )

    async def stored(self) -> int:
        """Return how many requests there are."""
        return await self.core.db["service_requests"].count_documents({})


@asynccontextmanager
async def running_api(
    mongo_uri: str, *, clock: str = TUESDAY_NOON, **values: Any
) -> AsyncIterator[Api]:
    """Run the app over a fresh database with New York loaded, without any worker.

    ``values`` are further settings, by the names of their fields.
    """
    async with fresh_database(mongo_uri) as db:
        await load_new_york(db)
        settings = load_settings(
            Settings,
            _env_file=None,
            mongo_uri=mongo_uri,
            mongo_db=db.name,
            auth_secret=SECRET,
            clock=clock,
            public_url="http://cst.test",
            **values,
        )
        app = create_app("test", list(APIS.values()), lambda: open_core(settings, "test"))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://cst.test") as client,
        ):
            yield Api(app, app.state.core, client)


def unique_key() -> str:
    """Return an idempotency key that nobody has used."""
    return uuid.uuid4().hex
