"""Random commands by random roles, legal and not, against the API, the consumers and a plain model.

A command that the model holds right succeeds and does what the model does; any other is refused
with a problem and leaves document and events as they were. The consumers' own steps are checked
by what they leave: only edges of the rules, each with its event, a chain that holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, TypeVar

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from plain_model import EDGES, ORDER, Plain

from cst_ledger.verify import verify_one
from cst_testkit.apps import DOWNTOWN, Api, running_api
from cst_testkit.pump import Pump

T = TypeVar("T")

ROLES = ("citizen", "agent", "dispatcher", "supervisor", "auditor", "admin")
REFUSALS = {403, 409, 422}
roles = st.sampled_from(ROLES)


class Lifecycle(RuleBasedStateMachine):
    """What people and consumers may do with requests under one version of the rules."""

    requests = Bundle("requests")
    lifecycle = "v1.0"
    mongo_uri: str
    runner: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, Plain] = {}
        self._undo = AsyncExitStack()

    def _do(self, work: Awaitable[T]) -> T:
        async def go() -> T:
            return await asyncio.wait_for(work, 60)

        return self.runner.run(go())

    @initialize()
    def a_city(self) -> None:
        async def begin() -> tuple[Api, Pump, dict[str, str]]:
            api = await self._undo.enter_async_context(running_api(self.mongo_uri))
            changed = {
                "spec.rules_version": self.lifecycle,
                "fingerprint": f"rules {self.lifecycle}",
            }
            await api.core.db["cities"].update_one({}, {"$set": changed})
            agents = api.core.db["service_agents"].find({"kind": "team"})
            return api, Pump(api.core), {str(a["_id"]): a["agent_code"] async for a in agents}

        self.api, self.pump, self.agents = self._do(begin())

    @rule(target=requests, danger=st.booleans())
    def file(self, danger: bool) -> str:
        # Far enough from each other that none is another's duplicate.
        lon, lat = DOWNTOWN[0], DOWNTOWN[1] + 0.002 * (len(self.model) % 8)
        text = "No light and a gas leak" if danger else "No light since Monday"
        place = {"type": "Point", "coordinates": [lon, lat]}
        # Of a category that asks for no photo of the work under either version.
        created = self._do(self.api.file(category="street_light", description=text, location=place))
        request_id: str = created["request_id"]
        self.model[request_id] = Plain(self.lifecycle, priority=created["priority"])
        return request_id

    @rule(
        request=requests,
        to=st.sampled_from(ORDER),
        role=roles,
        own=st.booleans(),
        given=st.fixed_dictionaries(
            {},
            optional={
                "note": st.just("Seen and noted"),
                "resolution_code": st.sampled_from(["fixed", "not_found", "spam", "magic"]),
                "priority": st.sampled_from(["P2", "P3", "P4"]),
                "stale": st.booleans(),
                "agent": st.booleans(),
            },
        ),
    )
    def step(self, request: str, to: str, role: str, own: bool, given: dict[str, Any]) -> None:
        self._step(request, to, role, own, given)

    @rule(request=requests, role=st.sampled_from(["dispatcher", "agent"]), note=st.booleans())
    def step_on(self, request: str, role: str, note: bool) -> None:
        """What most often happens: the next step, with what it needs."""
        plain = self.model[request]
        if plain.status == "closed":
            return
        to = ORDER[ORDER.index(plain.status) + 1]
        needs = {"assigned": {"agent": True}, "resolved": {"resolution_code": "fixed"}}
        given = dict(needs.get(to, {})) | ({"note": "Done"} if note else {})
        self._step(request, to, role, True, given)

    def _step(self, request: str, to: str, role: str, own: bool, given: dict[str, Any]) -> None:
        plain, fields = self.model[request], dict(given)
        if fields.pop("agent", False):
            fields["assigned_agent_id"] = min(self.agents)
        if "stale" in fields:
            fields["expected_version"] = plain.version + fields.pop("stale")
        subject = (plain.agent if own else None) or "somebody"
        right = plain.may_step(to, role, subject, fields)
        if plain.priority == "P1" and fields.get("priority"):
            right = right and role in ("supervisor", "admin") and False
        answer = self._do(self.api.step(request, to, role, subject=subject, **fields))
        if self._agrees(request, answer, right):
            plain.step(to, fields, self.agents)
            self._same(request, answer.json())

    @rule(request=requests, role=roles, own=st.booleans(), days=st.integers(-1, 40))
    def hold(self, request: str, role: str, own: bool, days: int) -> None:
        plain = self.model[request]
        subject = (plain.agent if own else None) or "somebody"
        until = self.api.core.clock.now() + timedelta(days=days, minutes=5)
        body = {"reason": "weather", "until": until.isoformat()}
        answer = self._post(request, "hold", role, subject, body)
        if self._agrees(request, answer, plain.may_hold(role, subject) and 0 <= days < 30):
            plain.held = True
            plain.events.append("held")
            self._same(request, answer.json())

    @rule(request=requests, role=roles, own=st.booleans())
    def resume(self, request: str, role: str, own: bool) -> None:
        plain = self.model[request]
        subject = (plain.agent if own else None) or "somebody"
        answer = self._post(request, "resume", role, subject, {})
        if self._agrees(request, answer, plain.may_resume(role, subject)):
            plain.held = False
            plain.events.append("resumed")
            self._same(request, answer.json())

    @rule()
    def consumers_run(self) -> None:
        """Triage, dispatch, clocks: the model takes over what they did, if it was right."""
        self._do(self.pump.drain())
        for request, plain in self.model.items():
            document, events = self._do(self._read(request))
            types = [event["type"] for event in events]
            steps = [kind for kind in types if kind in ORDER]
            assert steps[: len(plain.steps())] == plain.steps()
            source = plain.status
            for target in steps[len(plain.steps()) :]:
                assert (source, target) in EDGES[self.lifecycle]
                plain.step(target, {}, self.agents)
                source = target
            plain.priority, plain.version = document["priority"], document["version"]
            plain.agent = self._do(self._agent_code(document))
            self._same(request, document)

    @invariant()
    def every_history_holds(self) -> None:
        for request in list(self.model)[-1:]:
            verdict = self._do(verify_one(self.api.core.db, request))
            assert verdict.problems == []

    def _post(
        self, request: str, action: str, role: str, subject: str, body: dict[str, Any]
    ) -> httpx.Response:
        headers = self.api.as_(role, subject=subject)
        path = f"/requests/{request}/{action}"
        return self._do(self.api.client.post(path, json=body, headers=headers))

    def _agrees(self, request: str, answer: httpx.Response, right: bool) -> bool:
        """Check an answer against the model; a refusal must have left no trace."""
        plain = self.model[request]
        if right:
            assert answer.status_code == 200, answer.text
            assert answer.json()["version"] > plain.version
            plain.version = answer.json()["version"]
            return True
        assert answer.status_code in REFUSALS, (answer.status_code, answer.text)
        problem = answer.json()
        assert problem["detail"]
        document, _ = self._do(self._read(request))
        assert document["version"] == plain.version
        self._same(request, document)
        return False

    def _same(self, request: str, document: dict[str, Any]) -> None:
        """State, what is allowed next, and which timestamps stand, are the model's."""
        plain = self.model[request]
        assert (document["status"], document["version"]) == (plain.status, plain.version)
        assert document["workflow"]["current_state"] == plain.status
        assert set(document["workflow"]["allowed_next"]) == plain.allowed_next()
        assert (document["workflow"]["hold"] is not None) == plain.held
        stamped = {s for s in ORDER[1:] if document["timestamps"][f"{s}_at"] is not None}
        assert stamped == set(plain.reached)

    async def _read(self, request: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        staff = self.api.as_("admin")
        document = await self.api.client.get(f"/requests/{request}", headers=staff)
        events = await self.api.client.get(f"/requests/{request}/events", headers=staff)
        return document.json(), events.json()["events"]

    async def _agent_code(self, document: dict[str, Any]) -> str | None:
        if document["assignment"]["assigned_agent_id"] is None:
            return None
        path = f"/agents/{document['assignment']['assigned_agent_id']}"
        agent = await self.api.client.get(path, headers=self.api.as_("admin"))
        code: str = agent.json()["agent_code"]
        return code

    def teardown(self) -> None:
        for request, plain in self.model.items():
            _, events = self._do(self._read(request))
            steps = [event["type"] for event in events if event["type"] in ORDER]
            walked = set(zip(["new", *steps], steps, strict=False))
            assert walked <= EDGES[plain.rules]
            assert [event["seq"] for event in events] == list(range(len(events)))
        self._do(self._undo.aclose())


@pytest.mark.parametrize("rules", sorted(EDGES))
def test_any_commands_in_any_order_agree_with_the_model(mongo_uri: str, rules: str) -> None:
    with asyncio.Runner() as runner:
        machine = type("Machine", (Lifecycle,), {"lifecycle": rules})
        machine.mongo_uri, machine.runner = mongo_uri, runner  # type: ignore[attr-defined]
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=8,
                stateful_step_count=25,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
