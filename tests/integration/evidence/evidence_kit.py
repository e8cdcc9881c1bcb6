"""What the tests of evidence share: a request whose evidence is added, seen and counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from cst_ledger.events import Document
from cst_ledger.reader import events_of
from cst_ledger.verify import verify_one
from cst_testkit.apps import Api


@dataclass
class Case:
    """A request at one API, its reporter's link, and what is stored of it."""

    api: Api
    id: str
    link: dict[str, str]

    @property
    def path(self) -> str:
        return f"/requests/{self.id}/evidence"

    def as_(self, who: str) -> dict[str, Any]:
        """Return the options of a call by the reporter's link, a role, or anybody."""
        if who == "link":
            return {"params": self.link}
        return {"headers": {} if who == "anybody" else self.api.as_(who)}

    async def send(self, content: bytes, who: str = "link", **fields: str) -> httpx.Response:
        """Upload a file, under a name and type that say nothing true."""
        files = {"file": ("x.svg", content, "image/svg+xml")}
        return await self.api.client.post(self.path, files=files, data=fields, **self.as_(who))

    async def refer(self, body: Any, who: str = "link") -> httpx.Response:
        """Add what lies elsewhere."""
        return await self.api.client.post(self.path, json=body, **self.as_(who))

    async def add(self, content: bytes, who: str = "link", **fields: str) -> dict[str, Any]:
        """Upload a file that must be accepted; return the answer."""
        answer = await self.send(content, who, **fields)
        assert answer.status_code == 201, answer.text
        added: dict[str, Any] = answer.json()
        return added

    async def get(self, url: str, who: str = "link", **headers: str) -> httpx.Response:
        """Ask for one piece of evidence."""
        options = self.as_(who)
        options["headers"] = options.get("headers", {}) | headers
        return await self.api.client.get(url, **options)

    async def listed(self, who: str = "link") -> list[str]:
        """Return the ids of what somebody sees."""
        answer = await self.api.client.get(self.path, **self.as_(who))
        assert answer.status_code == 200, answer.text
        return [item["evidence_id"] for item in answer.json()["items"]]

    async def moderate(
        self, action: str, target: str, target_id: str | None = None, who: str = "supervisor"
    ) -> httpx.Response:
        """Hide, release or erase."""
        body = {"action": action, "target": target, "target_id": target_id, "reason": "because"}
        path = f"/requests/{self.id}/moderation"
        return await self.api.client.post(path, json=body, headers=self.api.as_(who))

    async def document(self) -> Document:
        """Return the request as it is stored."""
        return await self.api.core.ledger("test").load(self.id)

    async def stored(self) -> tuple[Any, ...]:
        """Return all that is stored of the request, and how many files there are at all."""
        document = await self.document()
        events = await events_of(self.api.core.db, document["_id"])
        return document, events, *await self.files()

    async def files(self) -> tuple[int, int, int]:
        """Return the numbers of files, of their chunks, and of links."""
        db = self.api.core.db
        names = ("evidence.files", "evidence.chunks", "evidence_links")
        files, chunks, links = [await db[name].count_documents({}) for name in names]
        return files, chunks, links

    async def audit(self) -> None:
        """The chain must hold."""
        assert (await verify_one(self.api.core.db, self.id)).problems == []


async def new_case(api: Api, **overrides: Any) -> Case:
    """File a request."""
    filed = await api.file(**overrides)
    return Case(api, filed["request_id"], {"follow": filed["follow_url"].rpartition("=")[2]})
