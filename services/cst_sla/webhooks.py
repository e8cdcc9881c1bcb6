"""Webhooks: what the inbox has to tell is posted to each role's address, signed, until it is taken.

Every step of a notice is one message with an id of its own. It comes a second time only where the
sender died, or was cut off from the database, between the receiver's answer and noting it; then it
has the same ``webhook-id``, by which receivers are to drop what they had.
"""

from __future__ import annotations

import asyncio
import random

import httpx
import orjson
import structlog
from prometheus_client import Counter

from cst_core.clock import wall_now
from cst_core.webhooks import signature, signing_key
from cst_inbox import INBOX_ROLES, Deliveries
from cst_mongo.client import Document
from cst_process.core import Core
from cst_process.looping import repeat
from cst_sla.domain.webhooks import pause_after

log = structlog.get_logger(__name__)

#: Messages on their way to one role at a time. Each role has its own, so that a receiver that does
#: not answer holds up nobody else's.
AT_ONCE = 2
#: How long a receiver has to answer, in seconds: less than a process has to end.
ANSWER_S = 10.0
#: Pauses where nothing is due, and between looks for what nobody listens to, in wall seconds.
PAUSE_S = 1.0
DROP_PAUSE_S = 10.0
#: What a receiver answers that wants no more of it.
GONE = 410

SENT = Counter("cst_webhooks", "Attempts to deliver a notice by webhook", ["role", "outcome"])


class WebhookSender:
    """Sends what is due; ``deliveries`` says where it is kept, and for how long it is claimed."""

    def __init__(self, core: Core, deliveries: Deliveries | None = None) -> None:
        self._settings = core.settings
        self._deliveries = deliveries or Deliveries(core.db)

    async def run_webhooks(self, stop: asyncio.Event) -> None:
        """Send what falls due until ``stop`` is set; any number of processes may do so."""
        roles = self._settings.webhooks
        silent = [role for role in INBOX_ROLES if role not in roles]

        async def drop() -> bool:
            await self._deliveries.drop(silent)
            return False

        # The addresses are the operator's own, and may well be inside: they are not filtered. But
        # a receiver has no say in where else signed notices go, so no redirect is followed.
        async with (
            httpx.AsyncClient(timeout=ANSWER_S, follow_redirects=False) as client,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(repeat("webhooks", drop, stop, pause_s=DROP_PAUSE_S))
            for role in [role for role in roles for _ in range(AT_ONCE)]:
                group.create_task(self._send_all(role, client, stop))

    async def _send_all(self, role: str, client: httpx.AsyncClient, stop: asyncio.Event) -> None:
        async def work() -> bool:
            return await self.send_next(role, client)

        await repeat(f"webhooks of {role}", work, stop, pause_s=PAUSE_S)

    async def send_next(self, role: str, client: httpx.AsyncClient) -> bool:
        """Send what has been due longest for ``role``; False where nothing is due."""
        row = await self._deliveries.claim(role)
        if row is None:
            return False
        await self._note(row, await self._post(row, client))
        return True

    async def _post(self, row: Document, client: httpx.AsyncClient) -> int | str:
        """Return the status of the receiver's answer, or the name of what went wrong."""
        url, body = self._settings.webhooks[row["role"]], orjson.dumps(row["body"])
        headers = self._headers(row["_id"], body)
        try:
            # What it says besides the status is left unread, however long it is. The client's own
            # timeout starts anew with each piece.
            async with (
                asyncio.timeout(ANSWER_S),
                client.stream("POST", url, content=body, headers=headers) as answer,
            ):
                return answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return type(error).__name__

    def _headers(self, message_id: str, body: bytes) -> dict[str, str]:
        secret, timestamp = self._settings.webhook_secret, int(wall_now().timestamp())
        assert secret is not None  # the settings want one where there is an address
        key = signing_key(secret.get_secret_value())
        return {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(key, message_id, timestamp, body),
        }

    async def _note(self, row: Document, answer: int | str) -> None:
        if isinstance(answer, int) and 200 <= answer < 300:
            await self._deliveries.end(row, "delivered", None)
            SENT.labels(row["role"], "delivered").inc()
            return
        error = f"HTTP {answer}" if isinstance(answer, int) else answer
        told = {"role": row["role"], "delivery": row["_id"], "error": error}
        age = wall_now() - row["created_at"]
        pause = None if answer == GONE else pause_after(row["attempts"], age, random.random())
        if pause is None:
            await self._deliveries.end(row, "failed", error)
            SENT.labels(row["role"], "failed").inc()
            log.error("webhook given up", attempts=row["attempts"], **told)
        else:
            await self._deliveries.put_off(row, pause, error)
            SENT.labels(row["role"], "put_off").inc()
            log.warning("webhook not taken", again_in_s=round(pause.total_seconds()), **told)
