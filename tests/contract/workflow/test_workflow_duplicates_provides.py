"""Workflow tells what it does about duplicates as the contracts say."""

from contract_kit import validator, written_by
from duplicate_acts import duplicate_acts

from cst_contracts.events import RequestEvent
from cst_process.core import Core
from cst_testkit.records import record_of

TYPES = {
    "duplicate_linked",
    "duplicate_unlinked",
    "duplicate_suggested",
    "duplicate_refused",
    "supported",
}


async def test_every_event_about_duplicates(core: Core) -> None:
    await duplicate_acts(core)
    stored = await written_by(core, "workflow")
    assert {event["type"] for event in stored} == TYPES
    for event in stored:
        published = RequestEvent.model_validate_json(record_of(event).value or b"")
        validator(event["type"]).validate(published.model_dump(mode="json"))
        assert "message" not in published.data
        published.typed()
