"""Whatever lies on the topic: an event to handle, one not wanted, or a refusal that says why."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_bus.dead_letters import MAX_REASON, reason_of
from cst_bus.reading import MAX_SEQ, Item, Unreadable, read
from cst_testkit.consumers import story
from cst_testkit.records import consumer_record

A, B = "CST-2026-0001", "CST-2026-0002"
WANTED = frozenset({"created"})
CREATED = story(A)[0]
FIELDS = sorted(orjson.loads(CREATED.value or b""))
TEXT = st.text(st.characters(codec="utf-8"))
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats()
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=10,
)


def changed(**fields: Any) -> bytes:
    """Return the body of a ``created`` event with other fields."""
    return orjson.dumps(orjson.loads(CREATED.value or b"") | fields)


def outcome(key: bytes | None, value: bytes | None) -> Item | Unreadable | None:
    """Return what comes of a record; any other error than a refusal would stop the consumer."""
    try:
        return read(consumer_record(key, value), WANTED)
    except Unreadable as error:
        return error


def refused(key: bytes | None, value: bytes | None) -> Unreadable:
    error = outcome(key, value)
    assert isinstance(error, Unreadable)
    return error


def test_an_event_that_is_wanted_is_read() -> None:
    item = read(CREATED, WANTED)
    assert item is not None
    assert (item.event.subject, item.event.seq, item.record) == (A, 0, CREATED)


@pytest.mark.parametrize("kind", ["cst.request.assigned", "cst.request.from_the_future", ""])
def test_what_is_not_wanted_is_nothing_wrong(kind: str) -> None:
    assert read(consumer_record(A.encode(), changed(type=kind)), WANTED) is None


def test_an_event_of_another_key_than_its_subject_is_refused_for_its_subject() -> None:
    error = refused(B.encode(), CREATED.value)
    assert (error.request_id, error.seq) == (A, 0)
    assert str(error) == f"its key '{B}' is not its subject {A}"
    assert refused(None, CREATED.value).request_id == A


def test_data_that_its_type_does_not_promise_is_refused_with_the_events_number() -> None:
    error = refused(A.encode(), changed(data={"actor": None}))
    assert (error.request_id, error.seq) == (A, 0)
    assert "facts" in str(error)


def test_a_number_that_the_database_cannot_hold_is_refused() -> None:
    body = changed().replace(b'"seq":0', b'"seq":%d' % (MAX_SEQ + 1))
    error = refused(A.encode(), body)
    assert (error.request_id, error.seq) == (A, None)


@pytest.mark.parametrize(
    ("key", "request_id"),
    [
        (A.encode(), A),
        (b"CST-2026-0001\n", None),
        (b"cst-2026-0001", None),
        (b"\xff\xfe", None),
        (b"", None),
        (None, None),
    ],
)
def test_an_unreadable_record_names_a_request_only_by_a_key_that_is_one(
    key: bytes | None, request_id: str | None
) -> None:
    assert refused(key, b"{").request_id == request_id


@given(key=st.none() | st.binary(max_size=40), value=st.none() | st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_reason(key: bytes | None, value: bytes | None) -> None:
    assert reason_of(refused(key, value)).startswith("Unreadable: ")


@given(field=st.sampled_from(FIELDS), value=JSON)
def test_any_field_of_any_kind_is_read_or_refused(field: str, value: Any) -> None:
    found = outcome(A.encode(), changed(**{field: value}))
    if isinstance(found, Item):
        assert found.event.subject == A
    elif isinstance(found, Unreadable):
        assert found.request_id is not None


def test_a_reason_can_always_be_stored_and_sent() -> None:
    reason = reason_of(ValueError("\ud800" * 3 * MAX_REASON))
    assert len(reason) == MAX_REASON
    assert reason.startswith("ValueError: ?")
    assert reason.encode().decode() == reason
