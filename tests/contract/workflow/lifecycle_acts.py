"""What the lifecycle's steps, holds, closing and rules write, once each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from cst_contracts.requests import TransitionCommand
from cst_contracts.workflow import AdoptRules, HoldCommand, ResumeCommand
from cst_core.clock import Clock
from cst_http.tokens import Caller
from cst_ledger.events import Document
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_testkit.factories import created_event
from cst_workflow.closing import ClosingService
from cst_workflow.holds import HoldService
from cst_workflow.rule_admin import RuleAdmin
from cst_workflow.transitions import TransitionService

CHIEF = Caller("kchen", frozenset({"admin"}))
#: What somebody wrote; none of it may be in a published event.
WORDS = "The words of somebody"


async def lifecycle_acts(core: Core) -> None:
    """Write every event that steps, holds, closing and rules can write."""
    agent = await core.db["service_agents"].find_one({"kind": "person", "active": True})
    assert agent is not None
    worked, rejected, waiting = [await _file(core, number) for number in (1, 2, 3)]
    await RuleAdmin(core).adopt("v1.1", AdoptRules(dry_run=False), CHIEF)
    reserved = {"assigned_agent_id": str(agent["_id"])}
    await _steps(
        core,
        worked,
        {"to": "triaged", "priority": "P2"},
        {"to": "assigned", **reserved},
        {"to": "triaged"},
        {"to": "assigned", **reserved},
        {"to": "in_progress"},
        {"to": "resolved", "resolution_code": "fixed"},
        {"to": "in_progress", **reserved},
        {"to": "resolved", "resolution_code": "fixed"},
    )
    await _steps(core, rejected, {"to": "closed", "resolution_code": "spam"})
    await _hold(core, waiting)
    assert await ClosingService(_later(core, days=30)).close_due() > 0


async def _file(core: Core, number: int) -> str:
    request_id = f"CST-2026-{8000 + number}"
    # Of a category that asks for no photo of the work.
    first = created_event(message=WORDS, category="graffiti")

    async def write(session: Session) -> Document:
        return await core.ledger("test").create(request_id, first, session)

    await transact(core.db, write)
    return request_id


async def _steps(core: Core, request_id: str, *steps: dict[str, Any]) -> None:
    for step in steps:
        command = TransitionCommand.model_validate({"note": WORDS, **step})
        await TransitionService(core).transition(request_id, command, CHIEF)


async def _hold(core: Core, request_id: str) -> None:
    """Twice: resumed by hand, and by its end."""
    until = core.clock.now() + timedelta(days=1)
    hold = HoldCommand(reason="weather", until=until, note=WORDS)
    await HoldService(core).hold(request_id, hold, CHIEF)
    await HoldService(core).resume(request_id, ResumeCommand(note=WORDS), CHIEF)
    await HoldService(core).hold(request_id, hold, CHIEF)
    await HoldService(_later(core, days=2)).resume_due()


def _later(core: Core, *, days: int) -> Core:
    at = core.clock.now() + timedelta(days=days)
    return replace(core, clock=Clock(start=at, rate=0, anchor=at))
