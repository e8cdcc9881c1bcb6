"""What the tests of ratings share: requests whose work is done, and their reporters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
from bson import ObjectId

from cst_contracts.ratings import RatingCommand, RatingReceipt
from cst_core.clock import Clock
from cst_http.follow import FollowLinks
from cst_http.tokens import Caller
from cst_intake.ratings import RatingService
from cst_ledger.events import Document, NewEvent
from cst_testkit.apps import Api, report
from cst_testkit.factories import SYSTEM

PATH = ("triaged", "assigned", "in_progress", "resolved", "closed")


@dataclass(frozen=True)
class Filed:
    """A request and the signature of its reporter's link."""

    request_id: str
    signature: str


@dataclass
class Office:
    """Staff who bring requests to their end, and citizens who judge."""

    api: Api

    async def file(self, citizen: ObjectId | None = None, **overrides: Any) -> Filed:
        """File a request, of a citizen or of somebody nameless."""
        reference = {"citizen_id": None if citizen is None else str(citizen)}
        subject = None if citizen is None else str(citizen)
        headers = {} if subject is None else self.api.as_("citizen", subject=subject)
        body = report(citizen_ref=reference, **overrides)
        answer = await self.api.client.post("/requests/", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        filed = answer.json()
        return Filed(filed["request_id"], filed["follow_url"].rpartition("=")[2])

    async def done(
        self, status: str = "resolved", *, rules: str = "v1.0", **overrides: Any
    ) -> Filed:
        """File a request and take it to ``status``."""
        filed = await self.file(**overrides)
        await self.bring(filed.request_id, status, rules=rules)
        return filed

    async def bring(self, request_id: str, status: str, *, rules: str = "v1.0") -> None:
        """Take a new request along its lifecycle to ``status``, under ``rules``."""
        if rules != "v1.0":
            await self.pin(request_id, rules)
        agent = await self.hire()
        fields: dict[str, dict[str, Any]] = {
            "assigned": {"assigned_agent_id": agent},
            "resolved": {"resolution_code": "fixed", "note": "Done"},
        }
        for step in PATH[: PATH.index(status) + 1]:
            answer = await self.api.step(request_id, step, **fields.get(step, {}))
            assert answer.status_code == 200, answer.text

    async def pin(self, request_id: str, version: str) -> None:
        """Bind a request to a rule set, by the event that says so."""
        core = self.api.core
        rules = core.rules.version(version)

        def decide(document: Document) -> list[NewEvent]:
            changes = {
                "workflow.transition_rules_version": version,
                "workflow.allowed_next": rules.allowed_next(document["status"]),
            }
            meta = {
                "from_version": document["workflow"]["transition_rules_version"],
                "to_version": version,
            }
            return [NewEvent("rules_changed", SYSTEM, changes=changes, meta=meta)]

        await core.ledger("workflow").record(request_id, decide)

    async def hire(self, capacity: int = 5) -> str:
        """Add an agent and return its id."""
        return str((await self.api.hire(capacity=capacity))["id"])

    async def rate(
        self, filed: Filed, *, headers: dict[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        """Rate by the reporter's link, or by ``headers``."""
        query = {} if headers is not None else {"follow": filed.signature}
        return await self.api.client.post(
            f"/requests/{filed.request_id}/rating",
            params=query,
            json={"rating": 4, **body},
            headers=headers or {},
        )

    async def rate_after(self, filed: Filed, later: timedelta, **body: Any) -> RatingReceipt:
        """Rate by the reporter's link when so much more time has passed."""
        core = self.api.core
        clock = Clock(core.clock.now() + later, 0.0, core.clock.now())
        links = FollowLinks(self.api.app.state.tokens, "http://cst.test")
        ratings = RatingService(replace(core, clock=clock), links)
        command = RatingCommand.model_validate({"rating": 1, **body})
        return await ratings.rate(filed.request_id, command, Caller(), filed.signature)

    async def load(self, request_id: str) -> Document:
        return await self.api.core.ledger("test").load(request_id)

    async def feedback(self, request_id: str) -> Any:
        """Return ``citizen_feedback`` of a request."""
        document = await self.load(request_id)
        logs = self.api.core.db["performance_logs"]
        log = await logs.find_one({"request_id": document["_id"], "bucket": 0})
        assert log is not None
        return log["citizen_feedback"]

    async def events(self, request_id: str, *types: str) -> list[dict[str, Any]]:
        """Return the stored events of a request, of some types only where they are given."""
        document = await self.load(request_id)
        logs = self.api.core.db["performance_logs"].find({"request_id": document["_id"]})
        stream = [event async for log in logs.sort("bucket", 1) for event in log["event_stream"]]
        return [event for event in stream if not types or event["type"] in types]

    async def state(self, request_id: str) -> tuple[Document, int, Any]:
        """Return all that a refused rating must leave as it is."""
        document = await self.load(request_id)
        events = await self.events(request_id)
        return document, len(events), await self.feedback(request_id)

    async def notices(self, request_id: str) -> list[dict[str, Any]]:
        wanted = {"request_id": request_id, "kind": "dispute"}
        return await self.api.core.db["notices"].find(wanted).to_list()
