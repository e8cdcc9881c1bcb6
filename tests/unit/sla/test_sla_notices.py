"""Notices that stay open: who is next, when, and when nobody needs to know any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_contracts.enums import STATUSES
from cst_inbox import interval_of
from cst_sla.domain.notices import next_repeat, next_role, repeated, why_moot
from cst_testkit.factories import CREATED_AT, request_state

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        (["on_call"], "dispatcher"),
        (["on_call", "dispatcher"], "supervisor"),
        (["supervisor"], "admin"),
        (["supervisor", "admin"], "admin"),
        (["admin"], "admin"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else value,
)
def test_the_next_role(roles: list[str], role: str) -> None:
    assert next_role(roles) == role


@given(st.integers(0, 10**7), st.integers(1, 10**5))
def test_the_next_repetition_is_after_now_and_no_further_than_it_has_to_be(
    late_s: int, interval_s: int
) -> None:
    interval, now = timedelta(seconds=interval_s), CREATED_AT + timedelta(seconds=late_s)
    again = next_repeat(CREATED_AT, interval, now)
    assert now < again <= now + interval
    assert (again - CREATED_AT) % interval == timedelta(0)


@pytest.mark.parametrize(
    ("policy", "interval"),
    [
        (None, 4 * HOUR),
        ({"policy_id": "of an older city"}, 4 * HOUR),
        ({"repeat_hours": None}, 4 * HOUR),
        ({"repeat_hours": 0.5}, HOUR / 2),
    ],
    ids=["no policy", "not said", "null", "said"],
)
def test_the_policy_says_how_often(policy: dict[str, Any] | None, interval: timedelta) -> None:
    assert interval_of({"sla_policy": policy}) == interval


def test_that_a_request_waits_is_moot_once_somebody_has_it() -> None:
    assert why_moot(request_state(status="triaged"), "waiting") is None
    assert why_moot(request_state(status="assigned"), "waiting") == "somebody has it"
    assert why_moot(request_state(status="closed"), "waiting") == "somebody has it"


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("kind", ["danger", "escalation", "withdrawal"])
def test_what_is_about_open_work_is_moot_once_it_has_ended(kind: str, status: str) -> None:
    ended = status in ("resolved", "closed")
    assert why_moot(request_state(status=status), kind) == ("request ended" if ended else None)


@pytest.mark.parametrize("status", STATUSES)
def test_a_dispute_is_moot_once_it_is_settled(status: str) -> None:
    open_one = {"at": CREATED_AT, "reason_codes": []}
    assert why_moot(request_state(status=status, dispute=open_one), "dispute") is None
    assert why_moot(request_state(status=status), "dispute") == "dispute settled"


def test_a_repetition_tells_from_whom_to_whom_and_how_often() -> None:
    notice = {"_id": "n", "kind": "danger", "roles": ["on_call", "dispatcher"], "repeats": 1}
    event = repeated(notice, "supervisor")
    assert event.meta == {
        "notice_id": "n",
        "kind": "danger",
        "from_role": "dispatcher",
        "to_role": "supervisor",
        "times": 2,
    }
    assert event.changes == {}
