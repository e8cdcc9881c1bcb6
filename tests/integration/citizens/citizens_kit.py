"""What the tests of citizens share: registering, reading codes from the outbox, wrong guesses."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from cst_core.clock import wall_now
from cst_testkit.apps import Api

_numbers = itertools.count(1)


def fresh_email() -> str:
    """Return an address that no other test uses."""
    return f"ana{next(_numbers)}@example.org"


def fresh_phone() -> str:
    """Return a number that no other test uses."""
    return f"+1212555{next(_numbers):04d}"


@dataclass
class Registry:
    """Citizens at one API."""

    api: Api

    async def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.api.client.post(path, json=body, headers=headers)

    async def register(self, **body: Any) -> dict[str, Any]:
        """Register somebody and return the answer."""
        answer = await self.post("/citizens", {"contacts": {"email": fresh_email()}, **body})
        assert answer.status_code == 201, answer.text
        registered: dict[str, Any] = answer.json()
        return registered

    async def messages(self, to: str) -> list[dict[str, Any]]:
        """Return what lies in the outbox for a contact, the newest last."""
        return await self.api.core.db["outbox"].find({"to": to}).sort("_id", 1).to_list()

    async def code(self, to: str) -> str:
        """Return the newest code that was sent to a contact."""
        found = re.search(r"\b\d{6}\b", (await self.messages(to))[-1]["text"])
        assert found is not None
        return found.group()

    async def verified(self, email: str, **body: Any) -> tuple[str, dict[str, str]]:
        """Register and verify somebody; return their id and their headers."""
        registered = await self.register(contacts={"email": email}, **body)
        answer = await self.verify(registered["id"], await self.code(email))
        assert answer.status_code == 200, answer.text
        return registered["id"], {"Authorization": f"Bearer {answer.json()['token']}"}

    async def verify(self, citizen_id: str, code: str) -> httpx.Response:
        return await self.post(f"/citizens/{citizen_id}/verify", {"code": code})

    async def stored(self, citizen_id: str) -> dict[str, Any]:
        """Return a citizen's document."""
        rows = self.api.core.db["citizens"]
        found = await rows.find_one({"$expr": {"$eq": [{"$toString": "$_id"}, citizen_id]}})
        assert found is not None
        return found

    async def later(self) -> None:
        """Let the pause between two codes be over for every contact."""
        sent = [wall_now() - timedelta(minutes=2)]
        await self.api.core.db["verification_limits"].update_many({}, {"$set": {"sent": sent}})


def wrong(code: str) -> str:
    """Return another code."""
    return f"{(int(code) + 1) % 10**6:06d}"
