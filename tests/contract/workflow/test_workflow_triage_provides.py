"""What triage and corrections write is as the contracts say, without a word of anybody."""

from __future__ import annotations

from contract_kit import assert_published_without, written_by
from triage_acts import WORDS, triage_acts

from cst_process.core import Core

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
    assert_published_without(stored, WORDS, "Second Ave")
    assert {event["type"] for event in stored} == TYPES
