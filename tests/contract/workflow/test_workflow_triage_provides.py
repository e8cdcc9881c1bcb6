"""What triage and corrections write is as the contracts say, without a word of anybody."""

from __future__ import annotations

import json

from contract_kit import validator, written_by
from triage_acts import WORDS, triage_acts

from cst_contracts.events import RequestEvent
from cst_process.core import Core
from cst_testkit.records import record_of

TYPES = {
    "created",
    "triaged",
    "assigned",
    "in_progress",
    "resolved",
    "agent_reserved",
    "agent_released",
    "category_changed",
    "priority_changed",
    "location_changed",
    "danger_confirmed",
    "notice_acknowledged",
    "escalated",
    "succeeded",
    "dispute_settled",
}


async def test_what_staff_and_crews_write_is_published_without_a_word(core: Core) -> None:
    await triage_acts(core)
    stored = await written_by(core, "workflow")
    for event in stored:
        published = json.loads(record_of(event).value or b"")
        validator(event["type"]).validate(published)
        RequestEvent.model_validate(published).typed()
        assert WORDS not in str(published)
        assert "Second Ave" not in str(published)
    assert {event["type"] for event in stored} == TYPES
