"""The audit finds whatever was done to a history, and lets erasure of text pass."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_ledger.chain import TEXT_KEYS
from cst_ledger.events import NewEvent
from cst_ledger.verify import Verdict, verify_request
from cst_testkit.factories import created_event
from cst_testkit.histories import Written, buckets, histories, step, written

Path = tuple[str | int, ...]


def audit(made: Written) -> Verdict:
    return verify_request(made.document, made.logs)


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path to every value below ``value`` that holds no others."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    if not inner and path:
        yield path
    for key, item in inner:
        yield from leaves(item, (*path, key))


def other(value: Any) -> Any:
    """Return a value of the same kind that differs."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, datetime):
        return value + timedelta(milliseconds=1)
    return f"{value}x"


def parent_of(event: Any, path: Path) -> Any:
    for key in path[:-1]:
        event = event[key]
    return event


@given(histories())
def test_an_untouched_history_passes(history: list[NewEvent]) -> None:
    assert audit(written(history)) == Verdict("CST-2026-0001", len(history), [])


@given(histories(), st.data())
def test_any_changed_value_of_any_event_is_found(history: list[NewEvent], data: Any) -> None:
    made = written(history)
    event = data.draw(st.sampled_from(made.events))
    path = data.draw(st.sampled_from(list(leaves(event))))
    place = parent_of(event, path)
    place[path[-1]] = other(place[path[-1]])
    assert not audit(made).ok


@given(histories(), st.data())
def test_any_removed_field_of_any_event_is_found(history: list[NewEvent], data: Any) -> None:
    made = written(history)
    event = data.draw(st.sampled_from(made.events))
    event.pop(data.draw(st.sampled_from(sorted(event))))
    assert not audit(made).ok


@given(histories(), st.data())
def test_any_added_field_is_found(history: list[NewEvent], data: Any) -> None:
    made = written(history)
    event = data.draw(st.sampled_from(made.events))
    data.draw(st.sampled_from([event, event["meta"], event["facts"]]))["extra"] = 1
    assert not audit(made).ok


@given(histories(), st.data())
def test_a_removed_event_is_found(history: list[NewEvent], data: Any) -> None:
    made = written(history)
    del made.events[data.draw(st.integers(0, len(made.events) - 1))]
    assert not audit(made).ok


@given(histories().filter(lambda history: len(history) > 1), st.data())
def test_events_in_another_order_are_found(history: list[NewEvent], data: Any) -> None:
    made = written(history)
    first, second = data.draw(
        st.lists(st.integers(0, len(made.events) - 1), min_size=2, max_size=2, unique=True)
    )
    made.events[first], made.events[second] = made.events[second], made.events[first]
    assert not audit(made).ok


@given(histories())
def test_a_repeated_event_is_found(history: list[NewEvent]) -> None:
    made = written(history)
    made.events.append(made.events[-1])
    assert not audit(made).ok


@given(histories(max_side_events=40), st.data())
def test_a_cut_tail_is_found_by_the_head_in_the_document(
    history: list[NewEvent], data: Any
) -> None:
    made = written(history)
    kept = made.events[: data.draw(st.integers(0, len(made.events) - 1))]
    verdict = verify_request(made.document, buckets(kept))
    assert any("ledger.seq" in problem for problem in verdict.problems)


@given(histories(), st.data())
def test_a_changed_document_is_found(history: list[NewEvent], data: Any) -> None:
    made = written(history)
    paths = [path for path in leaves(made.document) if path[0] not in ("_id",)]
    path = data.draw(st.sampled_from(paths))
    place = parent_of(made.document, path)
    place[path[-1]] = other(place[path[-1]])
    assert not audit(made).ok


def redact(made: Written, seq: int) -> None:
    """Erase an event's text as a redaction does, in the ledger and in the document."""
    meta = made.events[seq]["meta"]
    for key in (*TEXT_KEYS, "salt"):
        if key in meta:
            meta[key] = None
    if seq == 0:
        made.document["description"] = None
        made.document["location"]["address_hint"] = None
    else:
        made.document["internal"]["notes"][0] = None


@pytest.mark.parametrize("seq", [0, 1])
def test_redacted_text_leaves_the_chain_valid(seq: int) -> None:
    made = written([created_event(), step("triaged", message="a name"), step("assigned")])
    redact(made, seq)
    assert audit(made).problems == []


@pytest.mark.parametrize("key", ["message", "address_hint", "salt", "text_digest"])
@pytest.mark.parametrize("value", ["another text", None])
def test_text_altered_or_erased_in_part_is_found(key: str, value: str | None) -> None:
    made = written([created_event()])
    made.events[0]["meta"][key] = value
    verdict = audit(made)
    assert any("altered" in problem for problem in verdict.problems)


def test_text_put_back_after_a_redaction_is_found() -> None:
    made = written([created_event(message="the truth")])
    redact(made, 0)
    made.events[0]["meta"]["message"] = "something else"
    assert not audit(made).ok


def test_equal_texts_have_different_digests() -> None:
    digests = {
        written([created_event(message="same")]).events[0]["meta"]["text_digest"] for _ in range(5)
    }
    assert len(digests) == 5


def test_a_problem_names_the_seq_where_it_is() -> None:
    made = written([created_event(), step("triaged"), step("assigned")])
    made.events[1]["by"]["actor_id"] = "somebody else"
    assert audit(made).problems[0].startswith("seq 1: the event was altered")
