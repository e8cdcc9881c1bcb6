"""Erased texts: the chain still verifies, and the document is still what its events say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_ledger.events import NewEvent
from cst_ledger.fold import apply, fold, get_path, outermost
from cst_ledger.redaction import has_text, is_erased, note_paths
from cst_ledger.verify import verify_request
from cst_testkit.factories import SYSTEM, created_event, request_state
from cst_testkit.histories import Written, histories, step, written

HINT = "location.address_hint"


def erase(request: Written, *seqs: int) -> None:
    """Erase texts of stored events, as the database would."""
    for seq in seqs:
        meta = request.events[seq]["meta"]
        meta |= {key: None for key in ("message", "address_hint", "salt") if key in meta}


def redacted(history: list[NewEvent], changes: dict[str, Any], reason: str | None) -> Written:
    return written([*history, NewEvent("redacted", SYSTEM, changes=changes, message=reason)])


@given(histories(), st.data(), st.none() | st.just("because"))
def test_whatever_is_erased_the_audit_passes(
    history: list[NewEvent], data: st.DataObject, reason: str | None
) -> None:
    events = written(history).events
    noted = note_paths(events)
    chosen = data.draw(st.sets(st.sampled_from([0, *noted])))
    changes: dict[str, Any] = {noted[seq]: None for seq in chosen if seq}
    if 0 in chosen:
        changes |= {"description": None, HINT: None}
    request = redacted(history, changes, reason)
    assert verify_request(request.document, request.logs).ok
    erase(request, *chosen)
    assert verify_request(request.document, request.logs).problems == []
    for seq in chosen:
        assert is_erased(request.events[seq])
        assert not has_text(request.events[seq])


def test_text_that_is_erased_without_its_event_is_found() -> None:
    request = written([created_event(), step("triaged", message="a note")])
    erase(request, 1)
    [problem] = verify_request(request.document, request.logs).problems
    assert "internal is not what its events say" in problem


def test_a_text_put_back_is_found() -> None:
    request = redacted([created_event()], {"description": None, HINT: None}, None)
    erase(request, 0)
    request.events[0]["meta"]["message"] = "something else"
    [problem] = verify_request(request.document, request.logs).problems
    assert "seq 0: the text was altered" in problem


def test_a_note_erased_with_a_reason_makes_room_for_the_reason() -> None:
    history = [created_event(), step("triaged", message="one"), step("assigned", message="two")]
    request = redacted(history, {"internal.notes.0": None}, "because")
    assert request.document["internal"]["notes"] == [None, "two", "because"]


def test_notes_are_counted_without_what_is_no_note() -> None:
    words = {"comment_id": "c", "parent_comment_id": None, "visibility": "public"}
    said = NewEvent("comment", SYSTEM, meta=words, message="hello")
    history = [created_event(), said, step("triaged"), step("assigned", message="a note")]
    request = written(history)
    assert note_paths(request.events) == {3: "internal.notes.0"}
    assert request.document["internal"]["notes"] == ["a note"]


@pytest.mark.parametrize(
    ("paths", "kept"),
    [
        (set(), set()),
        ({"a", "b"}, {"a", "b"}),
        ({"a", "a.b", "a.b.c", "ab"}, {"a", "ab"}),
        ({"internal.notes", "internal.notes.3"}, {"internal.notes"}),
        ({"evidence.1.url", "evidence.1.visibility"}, {"evidence.1.url", "evidence.1.visibility"}),
    ],
)
def test_no_part_is_set_twice(paths: set[str], kept: set[str]) -> None:
    assert set(outermost(paths)) == kept


def test_numbers_name_elements_of_lists() -> None:
    state = request_state(evidence=[{"url": "a"}, {"url": "b"}])
    event: dict[str, Any] = {
        "type": "redacted",
        "meta": {},
        "changes": {"evidence.1.url": None, "evidence.2": {"url": "c"}},
        "recorded_at": state["timestamps"]["updated_at"],
        "version": 2,
    }
    after = apply(state, event)
    assert after["evidence"] == [{"url": "a"}, {"url": None}, {"url": "c"}]
    assert get_path(after, "evidence.2.url") == "c"
    assert get_path(after, "evidence.3.url") is None
    assert get_path(after, "evidence.x") is None
    assert fold([]) is None
