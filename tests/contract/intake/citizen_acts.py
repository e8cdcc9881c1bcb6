"""What citizens do at intake: file, opt out, rate and dispute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bson import ObjectId

from cst_contracts.citizens import ChangeCitizen
from cst_contracts.ratings import RatingCommand
from cst_contracts.requests import CreateRequest
from cst_http.follow import FollowLinks
from cst_http.tokens import Caller, Tokens
from cst_intake.citizen_store import new_citizen
from cst_intake.citizens import CitizenService
from cst_intake.domain.contacts import Contact
from cst_intake.ratings import RatingService
from cst_intake.requests import RequestService
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_testkit.apps import report
from cst_testkit.factories import created_event
from cst_testkit.histories import LIFECYCLE, step

EMAIL = "ana@example.org"
COMMENT = "Still there"
DISPUTE = RatingCommand(rating=1, reason_codes=["not_fixed"], comment=COMMENT, dispute_flag=True)


async def _citizen(core: Core) -> Caller:
    citizen = new_citizen([Contact("email", EMAIL)], core.clock.now(), language="en")
    await core.db["citizens"].insert_one(citizen)
    return Caller(str(citizen["_id"]), frozenset({"citizen"}))


async def _file_and_opt_out(core: Core, tokens: Tokens, ana: Caller) -> None:
    requests = RequestService(core, FollowLinks(tokens, "http://cst.test"))
    body = report(citizen_ref={"citizen_id": ana.subject})
    await requests.create(CreateRequest.model_validate(body), ana, None)
    left = report(contact={"email": EMAIL})
    await requests.create(CreateRequest.model_validate(left), Caller(), None)
    change = {"preferences": {"privacy": {"share_publicly_on_map": False}}}
    await CitizenService(core, tokens).change(ChangeCitizen.model_validate(change), ana)


async def _rate_done_work(core: Core, tokens: Tokens, ana: Caller) -> None:
    reference: Mapping[str, Any] = {
        "citizen_id": ObjectId(ana.subject),
        "anonymous": False,
        "contact_channel": "email",
    }
    ledger = core.ledger("test")
    first = created_event(citizen_ref=reference)
    await transact(core.db, lambda session: ledger.create("CST-2026-9001", first, session))
    done = [step(status) for status in LIFECYCLE[:4]]
    await ledger.record("CST-2026-9001", lambda _: done)
    ratings = RatingService(core, FollowLinks(tokens, "http://cst.test"))
    await ratings.rate("CST-2026-9001", DISPUTE, ana, None)


async def citizens_act(core: Core) -> None:
    """Let a citizen file, opt out, rate and dispute, and somebody leave their contact."""
    tokens, ana = Tokens(core.settings), await _citizen(core)
    await _file_and_opt_out(core, tokens, ana)
    await _rate_done_work(core, tokens, ana)
