"""Workflow writes what the contracts say it does."""

from bson import ObjectId
from contract_kit import assert_writes_what_it_promises, examples, written_by
from duplicate_acts import duplicate_acts
from lifecycle_acts import lifecycle_acts
from seeding import seed
from triage_acts import triage_acts

from cst_contracts.events import RequestEvent
from cst_contracts.requests import TransitionCommand
from cst_http.tokens import Caller
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_workflow.transitions import TransitionService
from cst_workflow.triage import TriageService

STAFF = Caller("mrivera", frozenset({"dispatcher"}))


async def _take(service: TransitionService, request_id: str, agent_id: ObjectId) -> None:
    steps = (
        TransitionCommand(to="assigned", assigned_agent_id=str(agent_id)),
        TransitionCommand(to="in_progress", note="Crew of two on site"),
        TransitionCommand(to="resolved", resolution_code="fixed", note="Patched, 2 m²"),
        TransitionCommand(to="closed"),
    )
    for step in steps:
        await service.transition(request_id, step, STAFF)


async def test_every_event_of_every_use_case(core: Core) -> None:
    service = TransitionService(core)
    by_rule, _, by_staff = examples("created")
    for example in (by_rule, by_staff):
        await seed(core, example)
    by_rule_event = RequestEvent.model_validate(by_rule)
    triage = TriageService(core)
    await transact(core.db, lambda session: triage.take([by_rule_event], session))
    raised = TransitionCommand(to="triaged", priority="P1", note="Freezing night ahead")
    await service.transition(by_staff["subject"], raised, STAFF)
    agent = await core.db["service_agents"].find_one({"kind": "person", "active": True})
    assert agent is not None
    await _take(service, by_rule["subject"], agent["_id"])
    await triage_acts(core)
    await duplicate_acts(core)
    await lifecycle_acts(core)
    assert_writes_what_it_promises(await written_by(core, "workflow"), "workflow")
