"""What steps, holds, closing and rules write is as the contracts say, without a word of anybody."""

from __future__ import annotations

from contract_kit import assert_published_without, written_by
from lifecycle_acts import WORDS, lifecycle_acts

from cst_process.core import Core

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
    assert_published_without(stored, WORDS)
    assert {event["type"] for event in stored} == TYPES
    reopened = [e["meta"]["reopened"] for e in stored if e["meta"].get("reopened")]
    assert reopened == [True]
    expired = [e["meta"]["expired"] for e in stored if e["type"] == "resumed"]
    assert sorted(expired) == [False, True]
