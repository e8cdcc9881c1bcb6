"""The relay's other topics hold what the contracts say, for a request that lived and an agent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from contract_kit import CONTRACTS, Event, message_examples, message_validator

from cst_contracts.events import EVENTS
from cst_contracts.messages import (
    AGENT_STATE_MESSAGE,
    GEO_FEED_MESSAGE,
    MESSAGES,
    PUBLIC_MESSAGE,
    REQUEST_STATE_MESSAGE,
    MessageSpec,
)
from cst_contracts.public import PUBLIC_PREFIX, PublicRequestEvent
from cst_contracts.topics import REQUEST_EVENTS, TOPICS
from cst_relay.agent_state import AgentStates
from cst_relay.domain.records import Record
from cst_relay.feed import Feed
from cst_relay.feeds import all_feeds
from cst_relay.geo_feeds import GeoFeeds
from cst_relay.public_events import PublicEvents
from cst_relay.request_state import RequestStates
from cst_testkit.apps import Api
from cst_testkit.pump import Pump

WORDS = "Deep hole by the hydrant at number 12"


async def _live_through(api: Api, pump: Pump) -> None:
    """Take a public request from report to resolution, and keep the map."""
    request_id = (await api.file(description=WORDS))["request_id"]
    await pump.drain()
    for step in ({"to": "in_progress"}, {"to": "resolved", "resolution_code": "fixed"}):
        answer = await api.step(request_id, note=WORDS, **step)
        assert answer.status_code == 200, answer.text
    await pump.drain()
    feed, staff = "/analytics/geofeeds/potholes", api.as_("supervisor")
    plan = {"title": "Potholes", "query": {"category": ["pothole"]}}
    assert (await api.client.put(feed, json=plan, headers=staff)).status_code in (200, 201)
    assert (await api.client.post(f"{feed}/snapshots", headers=staff)).status_code == 201


async def _stored(api: Api, feed: Feed) -> list[Record]:
    collection = api.core.db[feed.collection]
    documents = feed.documents(collection, None)
    return [record async for d in documents for record in feed.read_document(d).records]


def _assert_promised(records: Sequence[Record], spec: MessageSpec) -> None:
    assert records
    for record in records:
        assert not record.dead
        message_validator(spec).validate(json.loads(record.value or b""))
        assert WORDS.encode() not in (record.value or b"")


@pytest.mark.parametrize(
    ("feed", "spec"),
    [
        (RequestStates(), REQUEST_STATE_MESSAGE),
        (AgentStates(), AGENT_STATE_MESSAGE),
        (GeoFeeds(), GEO_FEED_MESSAGE),
        (PublicEvents("new-york"), PUBLIC_MESSAGE),
    ],
    ids=lambda value: getattr(value, "name", None),
)
async def test_what_is_stored_becomes_what_is_promised(
    api: Api, pump: Pump, feed: Feed, spec: MessageSpec
) -> None:
    await _live_through(api, pump)
    _assert_promised(await _stored(api, feed), spec)
    assert feed.topic is spec.topic


async def test_outsiders_get_what_the_public_view_of_the_request_says(api: Api, pump: Pump) -> None:
    await _live_through(api, pump)
    records = await _stored(api, PublicEvents("new-york"))
    last = PublicRequestEvent.model_validate_json(records[-1].value or b"")
    seen = (await api.client.get(f"/requests/{last.subject}")).json()
    assert last.name == "resolved"
    told = last.data.model_dump(mode="json")
    assert set(told) - {"h3", "zone_id"} <= set(seen)
    assert told["zone_id"] == seen["location"]["zone_id"]
    for name in ("category", "status", "priority", "is_master"):
        assert told[name] == seen[name]


@pytest.mark.parametrize("spec", MESSAGES, ids=lambda spec: spec.name)
def test_examples_are_read_by_the_model_whatever_a_newer_writer_adds(spec: MessageSpec) -> None:
    for example in message_examples(spec):
        message_validator(spec).validate(example)
        spec.body.model_validate(example)
        spec.body.model_validate(example | {"new_field": {"deep": [1]}})


@pytest.mark.parametrize("spec", MESSAGES, ids=lambda spec: spec.name)
def test_a_writer_may_send_nothing_but_what_the_schema_names(spec: MessageSpec) -> None:
    example = message_examples(spec)[0]
    assert not message_validator(spec).is_valid(example | {"description": "free text"})
    for name in example:
        less = {key: value for key, value in example.items() if key != name}
        optional = {"datacontenttype"}
        assert message_validator(spec).is_valid(less) == (name in optional), name


@pytest.mark.parametrize(
    ("spec", "changed"),
    [
        (REQUEST_STATE_MESSAGE, {"status": "paused", "priority": "P0", "public": "friends"}),
        (PUBLIC_MESSAGE, {"type": "cst.public.request.teleported"}),
    ],
)
def test_values_that_a_reader_does_not_know_do_not_stop_it(
    spec: MessageSpec, changed: Event
) -> None:
    spec.body.model_validate(message_examples(spec)[0] | changed)


def test_the_types_for_outsiders_are_the_public_ones() -> None:
    told = {example["type"] for example in message_examples(PUBLIC_MESSAGE)}
    public = {PUBLIC_PREFIX + name for name, spec in EVENTS.items() if spec.public}
    assert told <= public
    internal = {
        # Who does the work, and how the city keeps its promises.
        *("agent_reserved", "agent_released", "assignment_deferred", "reassigned", "escalated"),
        *("sla_at_risk", "sla_response_missed", "sla_overdue", "sla_breached", "policy_changed"),
        "notice_repeated",
        # What somebody said, showed or thought of the work, and what staff did about it.
        *("comment", "evidence_added", "rated", "disputed", "dispute_settled"),
        *("hidden", "released", "redacted", "visibility_changed"),
        # Staff's own questions.
        *("danger_confirmed", "notice_acknowledged", "rules_changed"),
        *("duplicate_suggested", "duplicate_refused"),
    }
    assert internal == {name for name, spec in EVENTS.items() if not spec.public}


def test_every_topic_has_a_feed_and_every_message_its_topic() -> None:
    assert {feed.topic for feed in all_feeds("new-york")} == set(TOPICS)
    assert {spec.topic for spec in MESSAGES} | {REQUEST_EVENTS} == set(TOPICS)
    for spec in MESSAGES:
        assert (CONTRACTS / "schemas" / spec.file).is_file()


def _named(schema: Any) -> set[str]:
    """Return every field that a schema names, on any level."""
    if isinstance(schema, list):
        return set().union(*map(_named, schema))
    if not isinstance(schema, dict):
        return set()
    own = set(schema["properties"]) if isinstance(schema.get("properties"), dict) else set()
    return own.union(*map(_named, schema.values()))


@pytest.mark.parametrize("spec", MESSAGES, ids=lambda spec: spec.name)
def test_no_schema_names_a_private_field(spec: MessageSpec) -> None:
    private = {"description", "address_hint", "contacts", "citizen_ref", "actor", "evidence"}
    named = _named(message_validator(spec).schema)
    assert set(spec.body.model_fields) <= named
    assert named.isdisjoint(private | {"name", "tags", "sub_category", "geojson", "internal"})
