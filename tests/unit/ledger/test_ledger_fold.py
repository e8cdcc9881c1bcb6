"""The document is the fold of its events, whatever legal history they tell."""

from __future__ import annotations

import copy
from datetime import timedelta

from hypothesis import given

from cst_ledger.events import NewEvent
from cst_ledger.fold import facts_of, fold
from cst_testkit.factories import CREATED_AT, SYSTEM, created_event
from cst_testkit.histories import histories, step, written

STORED_BESIDE = ("_id", "request_id", "ledger")


@given(histories())
def test_the_document_is_what_its_events_say(history: list[NewEvent]) -> None:
    made = written(history)
    state = {k: v for k, v in made.document.items() if k not in STORED_BESIDE}
    assert fold(made.events) == state


@given(histories())
def test_every_event_carries_the_facts_as_they_stand_after_it(history: list[NewEvent]) -> None:
    events = written(history).events
    for count in range(1, len(events) + 1):
        state = fold(events[:count])
        assert state is not None
        assert events[count - 1]["facts"] == facts_of(state)


@given(histories())
def test_seq_has_no_gap_and_the_head_is_the_last(history: list[NewEvent]) -> None:
    made = written(history)
    assert [event["seq"] for event in made.events] == list(range(len(history)))
    assert made.document["ledger"]["seq"] == len(history) - 1
    assert made.document["ledger"]["hash"] == made.events[-1]["hash"]


@given(histories())
def test_the_version_moves_only_when_a_field_does(history: list[NewEvent]) -> None:
    version = 0
    for event in written(history).events:
        moves = bool(event["changes"]) or "text_digest" in event["meta"]
        assert event["version"] == version + moves
        version = event["version"]


@given(histories())
def test_folding_changes_neither_events_nor_earlier_states(history: list[NewEvent]) -> None:
    events = written(history).events
    before = copy.deepcopy(events)
    first, last = fold(events[:1]), fold(events)
    assert fold(events[:1]) == first
    assert fold(events) == last
    assert events == before


def test_a_request_is_seen_as_it_stood_at_some_time() -> None:
    later = CREATED_AT + timedelta(hours=2)
    triaged = NewEvent("triaged", SYSTEM, changes={"status": "triaged"}, at=later)
    events = written([created_event(), triaged]).events
    assert fold(events, as_of=CREATED_AT - timedelta(seconds=1)) is None
    before, after = fold(events, as_of=later - timedelta(seconds=1)), fold(events, as_of=later)
    assert before is not None
    assert after is not None
    assert (before["status"], after["status"]) == ("new", "triaged")


def test_a_step_brings_its_timestamp_and_what_comes_next() -> None:
    document = written([created_event(), step("triaged")]).document
    assert document["timestamps"]["triaged_at"] == CREATED_AT
    assert document["workflow"]["current_state"] == "triaged"
    assert document["workflow"]["allowed_next"] == ["assigned"]


def test_a_note_of_a_step_stands_in_the_internal_notes() -> None:
    history = [created_event(), step("triaged", message="saw it"), step("assigned", message="go")]
    assert written(history).document["internal"]["notes"] == ["saw it", "go"]
