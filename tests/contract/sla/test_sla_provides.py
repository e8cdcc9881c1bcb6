"""SLA writes what the contracts say it does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from contract_kit import assert_writes_what_it_promises, examples, written_by
from notice_acts import notice_acts
from seeding import seed

from cst_contracts.sla import ReselectCommand
from cst_core.clock import Clock
from cst_http.tokens import Caller
from cst_ledger.events import Document
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_sla.policies import PolicyAdmin
from cst_sla.service import SlaService
from cst_testkit.factories import policy_terms

ADMIN = Caller("chief", frozenset({"admin"}))
POLICY = policy_terms(
    acknowledge_hours=1,
    escalation_steps=[
        {"after_hours": 2, "action": "raise_priority"},
        {"after_hours": 3, "action": "notify:dispatcher"},
    ],
)


async def test_every_event_of_every_use_case(core: Core) -> None:
    request = await _promised(core)
    await notice_acts(core)
    await PolicyAdmin(core).reselect(ReselectCommand(dry_run=False), ADMIN)
    written = await written_by(core, "sla")
    assert_writes_what_it_promises(written, "sla")
    (breached,) = [event for event in written if event["type"] == "sla_breached"]
    assert breached["at"] == request["timestamps"]["created_at"] + timedelta(hours=48)


async def _promised(core: Core) -> Document:
    """Seed a request, put it under a policy of many steps, and let all of them fall due."""
    request = await seed(core, examples("created")[0])
    created_at = request["timestamps"]["created_at"]
    changes: dict[str, Any] = {
        "sla_policy": POLICY,
        "due_at": created_at + timedelta(hours=24),
        "priority": "P3",
    }
    await core.db["service_requests"].update_one({"_id": request["_id"]}, {"$set": changes})
    await transact(
        core.db, lambda session: SlaService(core).follow([request["request_id"]], session)
    )
    later = created_at + timedelta(hours=49)
    late = replace(core, clock=Clock(start=later, rate=0, anchor=later))
    assert await SlaService(late).fire_due() == 1
    return request
