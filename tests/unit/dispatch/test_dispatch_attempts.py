"""Whom an assignment asks: first as they are ranked, after a conflict somebody else."""

from __future__ import annotations

from typing import Any

from cst_dispatch.service import Attempt

RANKED: list[dict[str, Any]] = [{"_id": number} for number in range(8)]


def ids(attempt: Attempt) -> list[int]:
    return [agent["_id"] for agent in attempt.order(RANKED)]


def test_the_first_time_they_are_asked_as_they_are_ranked() -> None:
    assert ids(Attempt()) == list(range(8))


def test_whom_a_plan_has_chosen_comes_first() -> None:
    assert ids(Attempt(prefer=3)) == [3, 0, 1, 2, 4, 5, 6, 7]  # type: ignore[arg-type]


def test_after_a_conflict_the_others_come_first_and_not_for_all_in_the_same_order() -> None:
    attempt: Any = Attempt()
    attempt.asked |= {0, 1}
    orders = [ids(attempt) for _ in range(100)]
    for order in orders:
        assert set(order[:6]) == {2, 3, 4, 5, 6, 7}
        assert set(order[6:]) == {0, 1}
    assert len({order[0] for order in orders}) > 1
