"""What the tests of the inbox share: staff, passing time, and a receiver of webhooks."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx

from cst_core.clock import Clock, wall_now
from cst_ledger.events import Document
from cst_ledger.reader import events_of
from cst_ledger.verify import verify_all
from cst_process.core import Core
from cst_sla.notices import NoticeService
from cst_testkit.apps import DOWNTOWN, Api
from cst_testkit.pump import Pump

#: What somebody reports; no receiver of a webhook may learn it.
WORDS = "There is a smell of gas at my aunt's"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_numbers = itertools.count()


def fresh_place() -> dict[str, Any]:
    """Return a ``location`` in zone MN03 that no other report of the file is near."""
    number = next(_numbers)
    east, north = 0.0008 * (number % 10), 0.0006 * (number // 10)
    return {"type": "Point", "coordinates": [DOWNTOWN[0] + east, DOWNTOWN[1] + north]}


@dataclass
class Staff:
    """Staff at one API, with workflow's worker carried along by hand."""

    api: Api
    pump: Pump

    async def danger(self, **overrides: Any) -> str:
        """File a report that on-call staff and supervisors are told of; return its number."""
        report = {"description": WORDS, "location": fresh_place(), **overrides}
        filed = await self.api.file(**report)
        await self.pump.drain()
        return str(filed["request_id"])

    async def told(self, role: str, **overrides: Any) -> str:
        """File a harmless report, and tell somebody of it; return the notice's id."""
        filed = await self.api.file(**{"location": fresh_place(), **overrides})
        request_id = filed["request_id"]
        await self.escalate(request_id, role)
        return f"{request_id}.1.escalation.{role}"

    async def escalate(self, request_id: str, role: str) -> None:
        """Have a role told of a request."""
        path, body = f"/requests/{request_id}/escalate", {"reason": "Look"}
        answer = await self.post(path, "supervisor", action=f"notify:{role}", **body)
        assert answer.status_code == 200, answer.text

    async def post(
        self, path: str, *roles: str, subject: str = "tester", **body: Any
    ) -> httpx.Response:
        """Send a command as somebody with ``roles``."""
        headers = self.api.as_(*roles, subject=subject)
        return await self.api.client.post(path, json=body, headers=headers)

    async def acknowledge(self, notice_id: str, *roles: str) -> httpx.Response:
        """Take note, as somebody with ``roles``."""
        return await self.post(f"/inbox/{notice_id}/acknowledge", *roles)

    async def inbox(self, **query: Any) -> list[dict[str, Any]]:
        """Return the first page of the inbox, as an auditor sees it."""
        answer = await self.asked(**query)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def asked(self, **query: Any) -> httpx.Response:
        """Ask for the inbox, as an auditor."""
        headers = self.api.as_("auditor")
        return await self.api.client.get("/inbox", params=query, headers=headers)

    async def end(self, request_id: str) -> None:
        """Take a request to where its work has ended."""
        team = await self.api.core.db["service_agents"].find_one({"agent_code": "DOT-TEAM"})
        assert team is not None
        fields: dict[str, dict[str, Any]] = {
            "assigned": {"assigned_agent_id": str(team["_id"])},
            "resolved": {"resolution_code": "fixed"},
        }
        status = (await self.load(request_id))["status"]
        way = ("new", "triaged", "assigned", "in_progress", "resolved")
        for step in way[way.index(status) + 1 :]:
            answer = await self.api.step(request_id, step, **fields.get(step, {}))
            assert answer.status_code == 200, answer.text

    async def notice(self, notice_id: str) -> Document:
        """Return a notice as it is stored."""
        found = await self.api.core.db["notices"].find_one({"_id": notice_id})
        assert found is not None
        return found

    async def load(self, request_id: str) -> Document:
        return await self.api.core.ledger("test").load(request_id)

    async def events(self, request_id: str, event_type: str) -> list[Document]:
        """Return the stored events of a request of one type."""
        found = await events_of(self.api.core.db, (await self.load(request_id))["_id"])
        return [event for event in found if event["type"] == event_type]

    def later(self, **span: float) -> Core:
        """Return the core as it is a while later, its clock standing still."""
        at = self.api.core.clock.now() + timedelta(**span)
        return replace(self.api.core, clock=Clock(start=at, rate=0, anchor=at))

    async def pass_time(self, **span: float) -> None:
        """Have repeated what is to be after a while."""
        await NoticeService(self.later(**span)).repeat_due()

    def with_webhooks(self, **urls: str) -> Core:
        """Return the core where some roles have webhooks."""
        given = {f"webhook_{role}": url for role, url in urls.items()}
        settings = self.api.core.settings
        changed = type(settings).model_validate(
            settings.model_dump() | given | {"webhook_secret": SECRET}
        )
        return replace(self.api.core, settings=changed)

    async def deliveries(self) -> list[Document]:
        """Return all deliveries there are, by id."""
        return await self.api.core.db["webhook_deliveries"].find().sort("_id", 1).to_list()

    async def hasten(self) -> None:
        """Let the time pass that deliveries wait for."""
        rows = self.api.core.db["webhook_deliveries"]
        past = {"due_at": wall_now() - timedelta(seconds=5)}
        await rows.update_many({"state": "waiting"}, {"$set": past})

    async def assert_every_history_holds(self) -> None:
        """Every chain holds, and every document is what its events say."""
        async for verdict in verify_all(self.api.core.db):
            assert verdict.problems == []


@dataclass(frozen=True)
class Received:
    """A message as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    def is_signed(self) -> bool:
        """Tell whether it is signed with ``SECRET``, and just now."""
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        timestamp = self.headers["webhook-timestamp"]
        signed = b".".join((self.id.encode(), timestamp.encode(), self.body))
        digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        fresh = abs(wall_now().timestamp() - int(timestamp)) < 300
        return fresh and self.headers["webhook-signature"] == f"v1,{digest}"


@dataclass
class Receiver:
    """Listens on 127.0.0.1, answers with ``statuses`` in turn and 204 then, while ``answering``."""

    statuses: list[int] = field(default_factory=list)
    got: list[Received] = field(default_factory=list)
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Receiver]:
        """Listen during the block."""
        self.answering.set()
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            self.answering.set()
            server.close()
            await server.wait_closed()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {name.lower(): text for name, _, text in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.got.append(Received(first.split()[1], headers, body))
        await self.answering.wait()
        status = self.statuses.pop(0) if self.statuses else 204
        answer = f"HTTP/1.1 {status} So\r\nlocation: {self.url}/elsewhere\r\nconnection: close\r\n"
        writer.write(f"{answer}content-length: 0\r\n\r\n".encode())
        writer.close()
