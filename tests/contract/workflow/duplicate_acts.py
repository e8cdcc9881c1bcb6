"""Everything that workflow does about duplicates, once each."""

from __future__ import annotations

from cst_contracts.duplicates import MergeCommand, SuggestionDecision, UnmergeCommand
from cst_geo import leaf_cell
from cst_http.tokens import Caller, Tokens
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_testkit.factories import created_event, request_state
from cst_workflow.duplicates.repository import suggestion_id
from cst_workflow.duplicates.service import DuplicateRoutes, DuplicateWork

STAFF = Caller("mrivera", frozenset({"dispatcher"}))
CITIZEN = Caller("65f0000000000000000000c1", frozenset({"citizen"}))


async def file(core: Core, number: int, category: str, *, east: int = 0) -> str:
    """Store a new report of Manhattan, ``east`` ten-thousandths of a degree from the others."""
    lon, lat = -73.98 + east * 1e-4, 40.75
    place = {"coordinates": [lon, lat], "h3": leaf_cell(lon, lat)}
    location = request_state()["location"] | place
    request_id = f"CST-2026-7{number:03}"
    first = created_event(category=category, location=location)

    async def write(session: Session) -> None:
        await core.ledger("test").create(request_id, first, session)

    await transact(core.db, write)
    return request_id


async def duplicate_acts(core: Core) -> None:
    """Link by rule, suggest, refuse, merge, support, unmerge."""
    routes, work = DuplicateRoutes(core, Tokens(core.settings)), DuplicateWork(core)
    master, by_rule, by_hand = [
        await file(core, number, "pothole", east=east) for number, east in ((1, 0), (2, 1), (3, 9))
    ]
    first, second = [await file(core, number, "construction_noise") for number in (4, 5)]
    for request_id in (master, by_rule, by_hand, first, second):
        await transact(core.db, lambda session, r=request_id: work.detection.detect(r, session))
    refusal = SuggestionDecision(decision="refuse", reason="Two building sites")
    await routes.merging.decide(suggestion_id(second, first), refusal, STAFF)
    merge = MergeCommand(master_request_id=master, reason="The same hole")
    await routes.merging.merge(by_hand, merge, STAFF)
    await routes.support.me_too(by_rule, CITIZEN, None)
    await routes.unmerging.unmerge(by_hand, UnmergeCommand(reason="Another hole"), STAFF)
