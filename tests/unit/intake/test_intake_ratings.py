"""When a request may be rated and disputed, and what a rating says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cst_contracts.ratings import RatingCommand
from cst_core.errors import Conflict
from cst_intake.domain.ratings import check_disputable, check_ratable, disputed, feedback_of, rated
from cst_ledger.events import By

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
ANA = By("citizen", "anonymous")
COMMAND = RatingCommand(
    rating=2, reason_codes=["not_fixed"], comment="Still there", dispute_flag=True
)


def request(status: str = "resolved", **fields: Any) -> dict[str, Any]:
    times = {"resolved_at": NOW, "closed_at": None}
    blank = {"request_id": "CST-2026-0001", "status": status, "dispute": None}
    return blank | {"timestamps": times} | fields


@pytest.mark.parametrize("status", ["new", "triaged", "assigned", "in_progress"])
def test_open_work_is_not_rated(status: str) -> None:
    with pytest.raises(Conflict, match=f"is {status}"):
        check_ratable(request(status), None)


def test_done_work_is_rated_once() -> None:
    for status in ("resolved", "closed"):
        check_ratable(request(status), None)
        with pytest.raises(Conflict, match="rated once"):
            check_ratable(request(status), {"rating": 1})


def test_a_dispute_has_its_days() -> None:
    check_disputable(request(), 7, NOW + timedelta(days=7))
    with pytest.raises(Conflict, match="2026-03-17T12:00:00"):
        check_disputable(request(), 7, NOW + timedelta(days=7, milliseconds=1))


def test_what_was_closed_without_work_counts_from_its_closing() -> None:
    times = {"resolved_at": None, "closed_at": NOW}
    check_disputable(request("closed", timestamps=times), 7, NOW + timedelta(days=6))
    with pytest.raises(Conflict):
        check_disputable(request("closed", timestamps=times), 7, NOW + timedelta(days=8))


def test_a_ratings_comment_is_text_and_nothing_else() -> None:
    event = rated(COMMAND, ANA, NOW)
    assert event.message == "Still there"
    assert event.changes == {"rating": 2}
    assert event.meta == {"rating": 2, "reason_codes": ["not_fixed"], "dispute_flag": True}
    assert feedback_of(COMMAND, NOW) == {
        **event.meta,
        "comment": "Still there",
        "submitted_at": NOW,
    }


def test_a_dispute_is_opened_once_and_on_done_work() -> None:
    (event,) = disputed(request(), COMMAND, ANA, NOW)
    assert event.changes == {"dispute": {"at": NOW, "reason_codes": ["not_fixed"]}}
    assert event.message is None, "the comment came with the rating and must not become a note"
    assert disputed(request(dispute={"at": NOW, "reason_codes": []}), COMMAND, ANA, NOW) == []
    assert disputed(request("in_progress"), COMMAND, ANA, NOW) == []
