"""What SLA writes of repeated notices is as the contracts say."""

from __future__ import annotations

from contract_kit import assert_published_without, written_by
from notice_acts import notice_acts

from cst_process.core import Core


async def test_a_repetition_is_published_as_promised(core: Core) -> None:
    await notice_acts(core)
    (repeated,) = await written_by(core, "sla")
    assert_published_without([repeated], "Look")
    assert repeated["type"] == "notice_repeated"
