"""Records: CloudEvents in structured mode, and dead letters that give no text away."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_contracts.events import EVENTS, RequestEvent
from cst_core.clock import to_ms
from cst_ledger.rules import RuleBook
from cst_ledger.seal import Sealer
from cst_relay.domain.records import Record, instant, to_json
from cst_relay.domain.request_records import MAX_VALUE, Malformed, dead_letter, event_record
from cst_relay.request_events import RequestEvents
from cst_testkit.factories import created_event

NOW = datetime(2026, 3, 2, 15, 0, 0, 123_000, tzinfo=UTC)


def stored_event() -> dict[str, Any]:
    sealer = Sealer("intake", RuleBook.shipped())
    return sealer.seal("CST-2026-0001", None, created_event(), now=NOW)[0]


def test_a_record_is_the_cloud_event_of_the_contract() -> None:
    stored = stored_event()
    record = event_record(stored, "boston")
    event = RequestEvent.model_validate_json(record.value)
    assert record.key == b"CST-2026-0001"
    assert not record.dead
    assert (event.id, event.seq, event.version) == (stored["event_id"], 0, 1)
    assert event.source == "/cst/boston/intake"
    assert event.typed().recorded_at == NOW
    assert b'"recorded_at":"2026-03-02T15:00:00.123Z"' in record.value


def test_headers_carry_the_attributes() -> None:
    stored = stored_event()
    headers = dict(event_record(stored, "boston").headers)
    assert headers == {
        "content-type": b"application/cloudevents+json",
        "ce_specversion": b"1.0",
        "ce_id": stored["event_id"].encode(),
        "ce_source": b"/cst/boston/intake",
        "ce_type": b"cst.request.created",
        "ce_subject": b"CST-2026-0001",
        "ce_time": b"2026-03-02T15:00:00.000Z",
        "ce_dataschema": EVENTS["created"].dataschema.encode(),
        "ce_traceparent": stored["traceparent"].encode(),
        "ce_seq": b"0",
        "ce_version": b"1",
    }


def test_neither_text_nor_salt_nor_state_is_in_a_record() -> None:
    stored = stored_event()
    record = event_record(stored, "boston")
    for secret in ("A large pothole", "Main St", stored["meta"]["salt"], "citizen_ref"):
        assert secret.encode() not in record.value


@pytest.mark.parametrize(
    "damage",
    [
        {"type": "unheard_of"},
        {"subject": None},
        {"seq": "4"},
        {"at": "yesterday"},
        {"facts": None},
        {"by": object()},
        {"meta": {"notes": "x" * (MAX_VALUE + 1)}},
    ],
)
def test_a_malformed_event_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        event_record(stored_event() | damage, "boston")


@pytest.mark.parametrize("missing", ["event_id", "type", "meta", "facts", "recorded_at", "version"])
def test_an_event_that_lacks_a_field_is_refused(missing: str) -> None:
    event = stored_event()
    del event[missing]
    with pytest.raises(Malformed, match=missing):
        event_record(event, "boston")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.just(NOW),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(anything, max_size=5))
def test_whatever_is_stored_becomes_records(stream: list[Any]) -> None:
    document = {"_id": "d", "event_stream": stream}
    reading = RequestEvents("boston").read_document(document)
    assert len(reading.records) == len(stream)
    assert all(isinstance(record, Record) and record.dead for record in reading.records)


@given(anything)
def test_a_document_without_a_stream_is_one_dead_letter(stream: Any) -> None:
    if isinstance(stream, list):
        return
    reading = RequestEvents("boston").read_document({"_id": "d", "event_stream": stream})
    assert [record.dead for record in reading.records] == [True]


def test_a_dead_letter_says_what_and_where_but_shows_no_text() -> None:
    event = stored_event() | {"facts": None, "meta": {"mesage": "my phone is 555"}}
    letter = dead_letter(event, "why", feed="f", source="logs/1", topic="cst.t.v1")
    assert letter.key == b"CST-2026-0001"
    assert dict(letter.headers)["cst_dlq_error"] == b"why"
    assert dict(letter.headers)["cst_dlq_source"] == b"logs/1"
    assert orjson.loads(letter.value)["event_id"] == event["event_id"]
    assert b"555" not in letter.value


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1)))
def test_instants_are_utc_to_the_millisecond(naive: datetime) -> None:
    aware = to_ms(naive.replace(tzinfo=UTC))
    text = instant(aware)
    assert len(text) == len("2026-03-02T15:00:00.000Z")
    assert datetime.fromisoformat(text) == aware
    assert instant(aware.replace(tzinfo=None)) == text
    assert instant(aware.astimezone(timezone(timedelta(hours=5)))) == text


def test_json_refuses_what_has_no_form() -> None:
    with pytest.raises(TypeError):
        to_json({"x": object()})
