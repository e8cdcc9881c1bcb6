"""The committed contracts are what the code says, and break no promise made before."""

import shutil

import pytest
from contract_kit import CONTRACTS, examples, validator

from cst_cli.contracts.checks import drift, incompatible
from cst_contracts.events import EVENTS, RequestEvent


def test_nothing_has_drifted() -> None:
    assert drift(CONTRACTS) == []


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@pytest.mark.skipif(not (CONTRACTS.parent / ".git").exists(), reason="not in a Git work tree")
def test_every_schema_is_compatible_with_each_of_its_committed_versions() -> None:
    assert incompatible(CONTRACTS) == []


@pytest.mark.parametrize("name", EVENTS)
def test_examples_are_read_as_their_type(name: str) -> None:
    for example in examples(name):
        event = RequestEvent.model_validate(example)
        assert event.name == name
        assert type(event.typed()) is EVENTS[name].data
        assert example["source"].rpartition("/")[2] in EVENTS[name].producers


@pytest.mark.parametrize("name", EVENTS)
def test_a_writer_may_send_nothing_but_what_its_schema_names(name: str) -> None:
    example = examples(name)[0]
    facts = example["data"]["facts"]
    for extra in (
        example | {"extra": 1},
        example | {"data": example["data"] | {"message": "free text"}},
        example | {"data": example["data"] | {"facts": facts | {"email": "a@example.org"}}},
        example | {"data": example["data"] | {"facts": facts | {"status": "unknown"}}},
    ):
        assert not validator(name).is_valid(extra)
