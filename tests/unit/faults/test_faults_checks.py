"""The checks after a chaos run find what they are for, and let pass what may be."""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson
import pytest
from aiokafka.structs import ConsumerRecord

from cst_testkit.faults.checks import repeated_effects, strange_topic
from cst_testkit.faults.facts import Told
from cst_testkit.faults.garbage import MALFORMED, MARK
from cst_testkit.records import consumer_record

Record = ConsumerRecord[bytes, bytes]
LEDGER = {name: [Told(f"{name}{seq}", seq, "created") for seq in range(3)] for name in ("a", "b")}


def sent(name: str, seq: int, **wrong: Any) -> Record:
    event = {"subject": name, "seq": seq, "id": f"{name}{seq}"} | wrong
    return consumer_record(name.encode(), orjson.dumps(event))


def topic(names: str = "ab") -> list[Record]:
    return [sent(name, seq) for seq in range(3) for name in names]


def test_the_ledger_in_order_passes_with_repeats_and_marked_garbage() -> None:
    garbage = dataclasses.replace(consumer_record(b"a", b"\xff"), headers=[(MARK, MALFORMED)])
    records = topic()
    assert (
        strange_topic([*records[:3], *records[:2], garbage, *records[3:], records[0]], LEDGER) == []
    )


@pytest.mark.parametrize(
    "records",
    [
        topic("a"),
        topic()[:-1],
        topic()[1:],
        [sent("a", 0), sent("a", 2), sent("a", 1), sent("a", 2), *topic("b")],
        [*topic("b"), sent("a", 0), sent("a", 1, id="another"), sent("a", 2)],
        [*topic(), sent("a", 3)],
        [*topic(), sent("c", 0)],
        [*topic(), consumer_record(b"b", sent("a", 0).value)],
    ],
    ids=["key lost", "tail", "head", "order", "id", "too much", "unknown", "wrong key"],
)
def test_whatever_differs_from_the_ledger_is_found(records: list[Record]) -> None:
    assert strange_topic(records, LEDGER) != []


def lived(*types: str) -> dict[str, list[Told]]:
    return {"a": [Told(f"a{seq}", seq, name) for seq, name in enumerate(types)]}


@pytest.mark.parametrize(
    ("types", "right"),
    [
        (("created", "triaged", "agent_reserved", "assigned"), True),
        (("created", "agent_reserved", "agent_released", "comment", "comment"), True),
        (("created", "triaged", "triaged"), False),
        (("created", "agent_reserved", "agent_reserved"), False),
        (("created", "agent_released"), False),
    ],
)
def test_effects_that_happened_twice_are_found(types: tuple[str, ...], right: bool) -> None:
    assert (repeated_effects(lived(*types)) == []) == right
