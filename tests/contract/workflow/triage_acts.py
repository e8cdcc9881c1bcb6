"""What triage, corrections, crews and reporters write, once each."""

from __future__ import annotations

from cst_contracts.events import RequestEvent
from cst_contracts.requests import TransitionCommand
from cst_contracts.triage import (
    CategoryCorrection,
    DangerDecision,
    DisputeSettlement,
    EscalateCommand,
    LocationCorrection,
    OnTheSpotCommand,
    PriorityCorrection,
    WithdrawCommand,
)
from cst_http.follow import FollowLinks
from cst_http.tokens import Caller, Tokens
from cst_ledger.events import Document, NewEvent
from cst_ledger.reader import events_of
from cst_ledger.wire import cloud_event
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_testkit.factories import SYSTEM, created_event
from cst_workflow.corrections import CorrectionService
from cst_workflow.escalation import EscalationService
from cst_workflow.field_work import FieldWork
from cst_workflow.settlement import SettlementService
from cst_workflow.transitions import TransitionService
from cst_workflow.triage import TriageService
from cst_workflow.withdrawal import WithdrawalService

CHIEF = Caller("kchen", frozenset({"supervisor"}))
PLACE = {"type": "Point", "coordinates": [-73.99, 40.72], "address_hint": "Second Ave 1"}
#: What somebody wrote; none of it may be in a published event.
WORDS = "The words of somebody"
DANGER = {"danger": {"reason": "danger word", "state": "unconfirmed"}, "priority": "P1"}


async def file(core: Core, number: int, **state: object) -> str:
    """Store a new pothole and return its number."""
    request_id = f"CST-2026-{9000 + number}"
    first = created_event(message=WORDS, **state)

    async def write(session: Session) -> Document:
        return await core.ledger("test").create(request_id, first, session)

    await transact(core.db, write)
    return request_id


async def take(core: Core, request_id: str, **meta: object) -> None:
    """Let triage have the first event of a request."""
    ledger, service = core.ledger("test"), TriageService(core)
    stored = (await events_of(core.db, (await ledger.load(request_id))["_id"]))[0]
    event = RequestEvent.model_validate(cloud_event(stored, "new-york"))
    event = event.model_copy(update={"data": event.data | meta})
    await transact(core.db, lambda session: service.take([event], session))


async def triage_acts(core: Core) -> None:
    """Write every event that triage and corrections can write."""
    await _correct(core)
    await _judge(core)
    await _work(core)
    await _settle(core)


async def _correct(core: Core) -> None:
    corrections, escalation = CorrectionService(core), EscalationService(core)
    request_id = await file(core, 1)
    await take(core, request_id)
    await corrections.category(
        request_id, CategoryCorrection(category="graffiti", reason=WORDS), CHIEF
    )
    await corrections.priority(request_id, PriorityCorrection(priority="P2", reason=WORDS), CHIEF)
    place = LocationCorrection.model_validate({"location": PLACE, "reason": WORDS})
    await corrections.location(request_id, place, CHIEF)
    for action in ("notify:supervisor", "raise_priority"):
        await escalation.escalate(request_id, EscalateCommand(action=action, reason=WORDS), CHIEF)


async def _judge(core: Core) -> None:
    corrections = CorrectionService(core)
    for number, decision in ((2, "confirm"), (3, "lower")):
        request_id = await file(core, number, **DANGER)
        await take(core, request_id, dangerous=True)
        command = DangerDecision.model_validate({"decision": decision, "reason": WORDS})
        await corrections.danger(request_id, command, CHIEF)


async def _work(core: Core) -> None:
    agent = await core.db["service_agents"].find_one({"kind": "person", "active": True})
    assert agent is not None
    command = OnTheSpotCommand.model_validate(
        {
            "category": "pothole",
            "description": WORDS,
            "location": PLACE,
            "resolution_code": "fixed",
            "note": WORDS,
            "assigned_agent_id": str(agent["_id"]),
        }
    )
    await FieldWork(core).record(command, CHIEF, key=None)
    links = FollowLinks(Tokens(core.settings), "http://cst.test")
    withdrawal, transitions = WithdrawalService(core, links), TransitionService(core)
    for number, status in ((4, "new"), (5, "assigned")):
        request_id = await file(core, number)
        if status == "assigned":
            await take(core, request_id)
            step = TransitionCommand(to="assigned", assigned_agent_id=str(agent["_id"]))
            await transitions.transition(request_id, step, CHIEF)
        signature = links.url(request_id).partition("follow=")[2]
        await withdrawal.withdraw(request_id, WithdrawCommand(reason=WORDS), Caller(), signature)


async def _settle(core: Core) -> None:
    links = FollowLinks(Tokens(core.settings), "http://cst.test")
    request_id = await file(core, 6)
    signature = links.url(request_id).partition("follow=")[2]
    await WithdrawalService(core, links).withdraw(
        request_id, WithdrawCommand(), Caller(), signature
    )
    codes = {"reason_codes": ["not_fixed"]}
    dispute = NewEvent(
        "disputed", SYSTEM, changes={"dispute": codes | {"at": core.clock.now()}}, meta=codes
    )
    await core.ledger("test").record(request_id, lambda _: [dispute])
    command = DisputeSettlement(outcome="upheld", reason=WORDS)
    await SettlementService(core).settle(request_id, command, CHIEF)
