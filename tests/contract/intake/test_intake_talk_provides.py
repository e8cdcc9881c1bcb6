"""What is said, shown and moderated is written as the contracts say, without a word of it."""

from __future__ import annotations

from contract_kit import assert_published_without, written_by
from talk_acts import people_talk

from cst_process.core import Core


async def test_what_is_said_is_published_without_a_word_of_it(core: Core) -> None:
    await people_talk(core)
    stored = await written_by(core, "intake")
    assert_published_without(stored, "ebulon", '"salt"')
    types = [event["type"] for event in stored]
    assert types == [
        *["comment"] * 2,
        *["evidence_added"] * 2,
        *["released"] * 2,
        *["hidden"] * 2,
        *["visibility_changed"] * 2,
        *["redacted"] * 3,
    ]
