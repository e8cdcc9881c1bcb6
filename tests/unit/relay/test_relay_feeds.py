"""The feeds of states, and the one for outsiders: what is in a record, and what never is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from cst_contracts.documents import Coverage
from cst_contracts.events import EVENTS
from cst_contracts.public import PublicFacts, PublicRequestEvent
from cst_contracts.states import AgentState, GeoFeedState, RequestState
from cst_relay.agent_state import AgentStates
from cst_relay.domain.public_records import public_record, public_records
from cst_relay.domain.records import Record
from cst_relay.domain.request_records import MAX_VALUE
from cst_relay.domain.shapes import shaped
from cst_relay.feeds import all_feeds
from cst_relay.geo_feeds import GeoFeeds
from cst_relay.public_events import PublicEvents
from cst_relay.request_state import RequestStates
from cst_testkit.factories import created_event
from cst_testkit.histories import Written, histories, step, written

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
#: Where text and contact data stand in the documents below; none of them may be in a record.
SECRETS = ("A large pothole", "Main St", "Somebody", "555-0100", "my tag", "by the door")


def _request() -> dict[str, Any]:
    history = [created_event(tags=["my tag"], sub_category="by the door"), step("triaged")]
    return written(history).document


def _agent() -> dict[str, Any]:
    return {
        "_id": ObjectId(),
        "agent_code": "DOT-1",
        "kind": "person",
        "name": "Somebody",
        "department": "DOT",
        "skills": ["pothole"],
        "coverage": {"zone_ids": ["MN01"], "geo_fence": None},
        "schedule": {"timezone": "America/New_York", "shifts": [], "on_call": False},
        "contacts": {"phone": "555-0100"},
        "active": True,
        "capacity": 3,
        "open_assignments": 1,
        "last_assigned_at": NOW,
    }


def _feed() -> dict[str, Any]:
    return {
        "_id": ObjectId(),
        "feed": "potholes",
        "feed_name": "potholes@1",
        "generated_at": NOW,
        "filters": {"resolution": 8},
        "geojson": {"type": "FeatureCollection", "features": [{"large": "Main St"}]},
        "aggregation": {"method": "h3", "weight_formula": "count", "tile_hint": "h3:8"},
        "etag": "abc",
    }


def _body(record: Record) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(record.value or b"")
    return found


@pytest.mark.parametrize(
    ("feed", "document", "model", "key"),
    [
        (RequestStates(), _request(), RequestState, b"CST-2026-0001"),
        (AgentStates(), _agent(), AgentState, None),
        (GeoFeeds(), _feed(), GeoFeedState, b"potholes@1"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_a_state_holds_what_its_contract_names_and_nothing_else(
    feed: RequestStates, document: dict[str, Any], model: Any, key: bytes | None
) -> None:
    (record,) = feed.read_document(document).records
    assert record.key == (key or str(document["_id"]).encode())
    assert not record.dead
    assert set(_body(record)) == set(model.model_fields)
    model.model_validate_json(record.value)
    assert all(secret.encode() not in (record.value or b"") for secret in SECRETS)
    assert dict(record.headers)["cst_schema"] == feed.message.dataschema.encode()


@given(histories())
def test_a_state_says_how_far_it_goes(history: Any) -> None:
    document = written(history).document
    (record,) = RequestStates().read_document(document).records
    state = RequestState.model_validate_json(record.value or b"")
    assert (state.version, state.seq) == (document["version"], len(history) - 1)
    assert state.status == document["status"]
    assert state.assignment.assigned_agent_id in (None, "65f000000000000000000001")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ({"ledger": None}, "TypeError"),
        ({"ledger": {}}, "KeyError: 'seq'"),
        ({"location": "12 Main St"}, "TypeError: str instead of StateLocation"),
        ({"workflow": {"current_state": "new"}}, "KeyError: 'allowed_next'"),
        ({"category": "x" * (MAX_VALUE + 1)}, "TooLarge"),
        ({"due_at": {1, 2}}, "TypeError"),
    ],
)
def test_a_malformed_document_is_a_dead_letter_without_its_text(
    damage: dict[str, Any], reason: str
) -> None:
    document = _request() | damage
    (record,) = RequestStates().read_document(document).records
    headers = dict(record.headers)
    assert record.dead
    assert record.key == b"CST-2026-0001"
    assert headers["cst_dlq_error"].decode().startswith(reason)
    assert headers["cst_dlq_topic"] == b"cst.request.state.v1"
    assert headers["cst_dlq_source"] == f"service_requests/{document['_id']}".encode()
    assert all(secret.encode() not in (record.value or b"") for secret in SECRETS)


def test_a_document_without_a_key_is_a_dead_letter_keyed_by_where_it_stands() -> None:
    document = {"_id": ObjectId()}
    (record,) = RequestStates().read_document(document).records
    assert record.dead
    assert record.key == f"service_requests/{document['_id']}".encode()


def test_a_deleted_request_is_a_tombstone_by_its_pre_image() -> None:
    change = {"operationType": "delete", "documentKey": {"_id": ObjectId()}}
    reading = RequestStates().read(
        change | {"fullDocumentBeforeChange": {"request_id": "CST-2026-0007"}}
    )
    assert reading is not None
    assert [(r.key, r.value, r.dead) for r in reading.records] == [(b"CST-2026-0007", None, False)]


@pytest.mark.parametrize("before", [{}, {"fullDocumentBeforeChange": {}}])
def test_a_deletion_whose_pre_image_has_expired_does_not_say_what_it_deleted(
    before: dict[str, Any],
) -> None:
    assert RequestStates().read({"operationType": "delete"} | before) is None


def test_a_deleted_agent_is_a_tombstone_and_a_map_feed_that_expired_is_nothing() -> None:
    oid = ObjectId()
    reading = AgentStates().read({"operationType": "delete", "documentKey": {"_id": oid}})
    assert reading is not None
    assert [(r.key, r.value) for r in reading.records] == [(str(oid).encode(), None)]
    (match, _) = GeoFeeds().pipeline()
    assert "delete" not in match["$match"]["operationType"]["$in"]


@pytest.mark.parametrize("feed", [RequestStates(), AgentStates(), GeoFeeds()])
def test_an_update_without_its_document_is_read_again(feed: RequestStates) -> None:
    assert feed.read({"operationType": "update", "documentKey": {"_id": 1}}) is None


def test_every_feed_lets_an_invalidation_through_and_has_a_name_and_topic_of_its_own() -> None:
    feeds = all_feeds("boston")
    assert all("invalidate" in str(feed.pipeline()) for feed in feeds)
    assert len({feed.name for feed in feeds}) == len({feed.topic.name for feed in feeds}) == 5


def test_optional_parts_and_lists_of_documents_are_shaped_too() -> None:
    assert shaped(Coverage, {"zone_ids": ["a"], "name": "x"}) == {
        "zone_ids": ["a"],
        "geo_fence": None,
    }
    fence = {"type": "Polygon", "coordinates": [[[0.0, 1.0]]], "note": "x"}
    assert shaped(Coverage, {"geo_fence": fence})["geo_fence"] == {
        "type": "Polygon",
        "coordinates": [[[0.0, 1.0]]],
    }
    with pytest.raises(TypeError, match="str instead of GeoFence"):
        shaped(Coverage, {"geo_fence": "x"})


def _life(**overrides: Any) -> Written:
    return written([created_event(**overrides), step("triaged"), step("assigned")])


def _public(events: Any) -> list[PublicRequestEvent]:
    records = PublicEvents("boston").records(events, "x")
    return [PublicRequestEvent.model_validate_json(record.value or b"") for record in records]


def test_outsiders_get_public_facts_and_neither_actor_nor_trace() -> None:
    stored = _life().events[0]
    record = public_record(stored, "boston")
    assert record is not None
    body = _body(record)
    assert set(body) == set(PublicRequestEvent.model_fields)
    assert set(body["data"]) == set(PublicFacts.model_fields)
    assert (body["type"], body["source"]) == ("cst.public.request.created", "/cst/boston")
    assert body["id"] == stored["event_id"]
    headers = dict(record.headers)
    assert headers["ce_type"] == b"cst.public.request.created"
    assert "ce_traceparent" not in headers
    assert all(secret.encode() not in (record.value or b"") for secret in (*SECRETS, "intake"))


@given(histories())
def test_outsiders_get_public_types_alone_in_ascending_order(history: Any) -> None:
    events = written(history).events
    told = _public(events)
    seqs = [event["seq"] for event in events if EVENTS[event["type"]].public]
    assert [event.seq for event in told] == seqs
    assert [event.name for event in told] == [events[seq]["type"] for seq in seqs]


@pytest.mark.parametrize("public", ["area", "none", "unheard-of", None, 1])
def test_outsiders_are_not_told_of_requests_that_are_not_public_to_the_point(public: Any) -> None:
    events = _life().events
    for event in events:
        event["facts"]["public"] = public
    assert _public(events) == []


def test_who_has_opted_out_since_is_not_told_of_again() -> None:
    events = _life().events
    events[-1]["facts"]["public"] = "area"
    assert _public(events) == []
    events[-1]["facts"]["public"], events[0]["facts"]["public"] = "exact", "area"
    assert [event.seq for event in _public(events)] == [1, 2]


garbage = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.data())
def test_malformed_events_are_passed_over_and_the_others_told(data: st.DataObject) -> None:
    events: list[Any] = _life().events
    bad = dict(events[1])
    damaged = data.draw(st.sampled_from(["event_id", "type", "subject", "at", "seq", "version"]))
    del bad[damaged]
    events[1] = data.draw(st.sampled_from([bad, None, "text", 7, {}, {"facts": "exact"}]))
    assert [event.seq for event in _public(events)] == [0, 2]


@given(garbage)
def test_garbage_in_place_of_a_stream_tells_outsiders_nothing(stream: Any) -> None:
    assert public_records(stream, "boston") == []
