"""The way of a duplicate to where its master is."""

from __future__ import annotations

from typing import Any

import pytest

from cst_contracts.enums import STATUSES
from cst_ledger.rules import RuleBook
from cst_workflow.domain.following import way

BOOK = RuleBook.shipped()


def master(status: str, *, worked_on: bool = True) -> dict[str, Any]:
    resolved = status in ("resolved", "closed") and worked_on
    return {"status": status, "timestamps": {"resolved_at": "then" if resolved else None}}


@pytest.mark.parametrize("version", ["v1.0", "v1.1"])
def test_forward_it_goes_step_by_step(version: str) -> None:
    for start, status in enumerate(STATUSES):
        for end in range(start, len(STATUSES)):
            found = way(BOOK.version(version), status, master(STATUSES[end]))
            assert found == list(STATUSES[start + 1 : end + 1])


def test_in_v1_0_there_is_no_way_back() -> None:
    for later, status in enumerate(STATUSES):
        for target in STATUSES[:later]:
            assert way(BOOK.version("v1.0"), status, master(target)) == []


def test_in_v1_1_there_are_two() -> None:
    rules = BOOK.version("v1.1")
    back = {
        (status, target): way(rules, status, master(target))
        for later, status in enumerate(STATUSES)
        for target in STATUSES[:later]
    }
    assert {pair: steps for pair, steps in back.items() if steps} == {
        ("assigned", "triaged"): ["triaged"],
        ("resolved", "in_progress"): ["in_progress"],
    }


@pytest.mark.parametrize(
    ("version", "status", "expected"),
    [
        ("v1.0", "triaged", []),
        ("v1.1", "new", ["closed"]),
        ("v1.1", "triaged", ["closed"]),
        ("v1.1", "assigned", []),
        ("v1.1", "resolved", ["closed"]),
    ],
)
def test_a_rejection_is_followed_directly_or_not_at_all(
    version: str, status: str, expected: list[str]
) -> None:
    rejected = master("closed", worked_on=False)
    assert way(BOOK.version(version), status, rejected) == expected
