"""What steps, holds, closing and rules write is as the contracts say, without a word of anybody."""

from __future__ import annotations

import json

from contract_kit import validator, written_by
from lifecycle_acts import WORDS, lifecycle_acts

from cst_contracts.events import RequestEvent
from cst_process.core import Core
from cst_testkit.records import record_of

TYPES = {
    "triaged",
    "assigned",
    "in_progress",
    "resolved",
    "closed",
    "agent_reserved",
    "agent_released",
    "held",
    "resumed",
    "rules_changed",
}


async def test_the_whole_lifecycle_is_published_without_a_word(core: Core) -> None:
    await lifecycle_acts(core)
    stored = await written_by(core, "workflow")
    for event in stored:
        published = json.loads(record_of(event).value or b"")
        validator(event["type"]).validate(published)
        RequestEvent.model_validate(published).typed()
        assert WORDS not in str(published)
    assert {event["type"] for event in stored} == TYPES
    reopened = [e["meta"]["reopened"] for e in stored if e["meta"].get("reopened")]
    assert reopened == [True]
    expired = [e["meta"]["expired"] for e in stored if e["type"] == "resumed"]
    assert sorted(expired) == [False, True]
