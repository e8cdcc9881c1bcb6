"""What is said, shown and moderated is written as the contracts say, without a word of it."""

from __future__ import annotations

import json

from contract_kit import validator, written_by
from talk_acts import people_talk

from cst_contracts.events import RequestEvent
from cst_process.core import Core
from cst_testkit.records import record_of


async def test_what_is_said_is_published_without_a_word_of_it(core: Core) -> None:
    await people_talk(core)
    stored = await written_by(core, "intake")
    for event in stored:
        published = json.loads(record_of(event).value or b"")
        validator(event["type"]).validate(published)
        RequestEvent.model_validate(published).typed()
        assert "ebulon" not in str(published)
        assert '"salt"' not in str(published)
    types = [event["type"] for event in stored]
    assert types == [
        *["comment"] * 2,
        *["evidence_added"] * 2,
        *["released"] * 2,
        *["hidden"] * 2,
        *["visibility_changed"] * 2,
        *["redacted"] * 3,
    ]
