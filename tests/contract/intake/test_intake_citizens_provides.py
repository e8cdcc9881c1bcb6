"""What citizens do is written as the contracts say, without a word or a contact of theirs."""

from __future__ import annotations

from citizen_acts import COMMENT, EMAIL, citizens_act
from contract_kit import assert_published_without, written_by

from cst_process.core import Core


async def test_what_citizens_do_is_published_without_a_word_of_theirs(core: Core) -> None:
    await citizens_act(core)
    stored = await written_by(core, "intake")
    assert_published_without(stored, EMAIL, COMMENT)
    types = sorted(event["type"] for event in stored)
    assert types == ["created", "created", "disputed", "rated", "visibility_changed"]
