"""What citizens do is written as the contracts say, without a word or a contact of theirs."""

from __future__ import annotations

import json

from citizen_acts import COMMENT, EMAIL, citizens_act
from contract_kit import validator, written_by

from cst_contracts.events import RequestEvent
from cst_process.core import Core
from cst_testkit.records import record_of


async def test_what_citizens_do_is_published_without_a_word_of_theirs(core: Core) -> None:
    await citizens_act(core)
    stored = await written_by(core, "intake")
    for event in stored:
        published = json.loads(record_of(event).value or b"")
        validator(event["type"]).validate(published)
        RequestEvent.model_validate(published).typed()
        assert EMAIL not in str(published)
        assert COMMENT not in str(published)
    types = sorted(event["type"] for event in stored)
    assert types == ["created", "created", "disputed", "rated", "visibility_changed"]
