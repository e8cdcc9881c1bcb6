"""What a check says, in bounded memory."""

from __future__ import annotations

import pytest

from cst_process.projection import NAMED, Differences, difference


@pytest.mark.parametrize(
    ("found", "right", "words"),
    [
        (None, {"n": 1}, "is missing"),
        ({"n": 1}, None, "has no place in the ledger"),
        ({"n": 1, "m": 2}, {"n": 3, "m": 2}, "n is 1, by the ledger 3"),
        ({"b": 1}, {"a": 2}, "a is None, by the ledger 2; b is 1, by the ledger None"),
    ],
)
def test_a_difference_in_words(
    found: dict[str, int] | None, right: dict[str, int] | None, words: str
) -> None:
    assert difference(found, right) == words


def test_differences_beyond_a_thousand_are_counted() -> None:
    found = Differences()
    for number in range(NAMED):
        found.add(str(number))
    assert len(found.lines()) == NAMED
    found.add("one")
    found.add("two")
    assert found.lines()[NAMED - 1 :] == [str(NAMED - 1), "and 2 more"]
