"""Identifiers: sortable, well-formed, never twice."""

from __future__ import annotations

import re
import time
import uuid

import pytest
from pydantic import TypeAdapter, ValidationError

from cst_contracts.base import RequestId
from cst_core.ids import request_number, traceparent, uuid7


def test_a_uuid7_says_its_version_variant_and_time() -> None:
    before = time.time_ns() // 1_000_000
    parsed = uuid.UUID(uuid7())
    after = time.time_ns() // 1_000_000
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122
    assert before <= parsed.int >> 80 <= after


def test_a_later_millisecond_sorts_after_an_earlier_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for millis in (0, 1, 1_767_225_600_000, 1_767_225_600_001, 2**48 - 1):
        monkeypatch.setattr("time.time_ns", lambda millis=millis: millis * 1_000_000)
        made.append(uuid7())
    assert made == sorted(made)


def test_many_at_once_are_all_different() -> None:
    assert len({uuid7() for _ in range(10_000)}) == 10_000


def test_a_traceparent_is_a_sampled_w3c_trace_context() -> None:
    assert re.fullmatch(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01", traceparent())


@pytest.mark.parametrize(
    ("number", "text"), [(1, "CST-2026-0001"), (12345, "CST-2026-12345"), (9999, "CST-2026-9999")]
)
def test_a_request_number_is_one_of_the_contract(number: int, text: str) -> None:
    assert request_number(2026, number) == text
    assert TypeAdapter(RequestId).validate_python(text) == text


@pytest.mark.parametrize("text", ["CST-26-0001", "CST-2026-001", "cst-2026-0001", "CST-2026-0001 "])
def test_what_is_no_request_number_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(RequestId).validate_python(text)
