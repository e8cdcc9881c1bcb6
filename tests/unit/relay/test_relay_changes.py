"""What a change says: appended events, in order, or that the document must be read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_relay.domain.changes import new_events, pipeline, written_at


def update(fields: dict[str, Any], **description: Any) -> dict[str, Any]:
    return {
        "operationType": "update",
        "updateDescription": {"updatedFields": fields, **description},
    }


def test_an_insert_brings_its_whole_stream() -> None:
    change = {"operationType": "insert", "fullDocument": {"event_stream": ["a", "b"]}}
    assert new_events(change) == ["a", "b"]


def test_an_append_brings_the_pushed_elements() -> None:
    fields = {"event_stream.3": "a", "event_stream.4": "b", "last_seq": 4, "updated_at": 7}
    assert new_events(update(fields)) == ["a", "b"]
    assert written_at(update(fields)) == 7


@given(st.sets(st.integers(min_value=0, max_value=100_000), min_size=1), st.randoms())
def test_elements_come_in_numeric_order(indexes: set[int], random: Any) -> None:
    shuffled = list(indexes)
    random.shuffle(shuffled)
    fields = {f"event_stream.{index}": index for index in shuffled}
    assert new_events(update({"last_seq": 1, **fields})) == sorted(indexes)


def test_a_whole_array_counts_as_new() -> None:
    assert new_events(update({"event_stream": ["a", "b"], "last_seq": 1})) == ["a", "b"]


@pytest.mark.parametrize(
    "change",
    [
        {"operationType": "replace", "fullDocument": {"event_stream": ["a"]}},
        {"operationType": "insert", "fullDocument": {}},
        {"operationType": "insert"},
        {"operationType": "insert", "fullDocument": {"event_stream": "text"}},
        update({"last_seq": 3}),
        update({"last_seq": 3, "event_stream": []}),
        update({"last_seq": 3, "event_stream.3": "a", "event_stream.2.meta.message": None}),
        update(
            {"last_seq": 3, "event_stream.3": "a"},
            truncatedArrays=[{"field": "event_stream", "newSize": 3}],
        ),
    ],
)
def test_what_does_not_say_is_read_again(change: dict[str, Any]) -> None:
    assert new_events(change) is None


def test_text_and_state_do_not_leave_the_server() -> None:
    removed = pipeline()[-1]["$unset"]
    assert {"event_stream.meta.message", "event_stream.meta.salt", "event_stream.changes"} <= {
        path.removeprefix("fullDocument.") for path in removed
    }
