"""The generated documents: closed schemas, and AsyncAPI whose references lead somewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from cst_cli.contracts.asyncapi import asyncapi
from cst_cli.contracts.files import contracts_folder, generated
from cst_cli.contracts.schemas import Spec, message_id, opened, schema_of, specs
from cst_cli.contracts.subscriptions import consumers
from cst_contracts.events import EVENTS
from cst_contracts.messages import MESSAGES, PUBLIC_MESSAGE
from cst_contracts.topics import TOPICS
from cst_http.app import VERSION
from cst_relay.feeds import all_feeds


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for item in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _nodes(item)


@pytest.mark.parametrize("spec", specs(), ids=message_id)
def test_a_schema_is_closed_on_every_level_and_knows_no_unknown(spec: Spec) -> None:
    schema = schema_of(spec)
    Draft202012Validator.check_schema(schema)
    for node in _nodes(schema):
        if "properties" in node:
            assert node["additionalProperties"] is False
        assert "unknown" not in node.get("enum", ())
    assert schema["$id"] == spec.dataschema


@pytest.mark.parametrize("spec", [*EVENTS.values(), PUBLIC_MESSAGE], ids=message_id)
def test_the_schema_of_an_event_asks_for_what_cloudevents_does(spec: Spec) -> None:
    assert {"id", "source", "specversion", "type"} <= set(schema_of(spec)["required"])


def test_a_reader_is_open_where_the_writer_is_closed_and_keeps_its_maps() -> None:
    closed = schema_of(EVENTS["assigned"])
    nodes = list(_nodes(opened(closed)))
    assert all(node.get("additionalProperties") is not False for node in nodes)
    assert any(node.get("additionalProperties") == {"type": "integer"} for node in nodes)


def test_generation_is_stable_and_ends_with_a_newline() -> None:
    first = generated()
    generated.cache_clear()
    assert first == generated()
    assert all(text.endswith("\n") and not text.endswith("\n\n") for text in first.values())


@pytest.mark.parametrize("file", ["asyncapi.yaml", "openapi.json"])
def test_every_reference_leads_somewhere(file: str) -> None:
    document = yaml.safe_load(generated()[file])
    for reference in {node["$ref"] for node in _nodes(document) if "$ref" in node}:
        if reference.startswith("./"):
            assert (contracts_folder() / reference).is_file(), reference
            continue
        found = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]


def test_channels_are_the_topics_and_their_dead_letters() -> None:
    channels = asyncapi()["channels"]
    assert channels.keys() == {name for topic in TOPICS for name in topic.names}
    for topic in TOPICS:
        kafka = channels[topic.name]["bindings"]["kafka"]
        assert kafka["partitions"] == topic.partitions
        config = {
            k: str(v) for k, v in kafka["topicConfiguration"].items() if k != "cleanup.policy"
        }
        assert config == {k: v for k, v in topic.config().items() if k != "cleanup.policy"}


def test_operations_are_the_relay_and_every_subscription() -> None:
    operations = asyncapi()["operations"]
    received = {name: node for name, node in operations.items() if node["action"] == "receive"}
    assert received.keys() == {consumer.name for consumer in consumers()}
    sent = {f"relay.{feed.name}": feed.topic.name for feed in all_feeds("any")}
    assert operations.keys() - received.keys() == sent.keys()
    for name, topic in sent.items():
        assert operations[name]["channel"] == {"$ref": f"#/channels/{topic}"}
        assert operations[name]["messages"]
    for consumer in consumers():
        node = received[consumer.name]
        wanted = {reference["$ref"].rpartition("/")[2] for reference in node["messages"]}
        states = {f"{spec.name}.v1" for spec in MESSAGES if spec.topic == consumer.topic}
        assert wanted == {f"{EVENTS[name].type}.v1" for name in consumer.types} | states
        assert node["bindings"]["kafka"]["groupId"]["enum"] == [consumer.name]


def test_openapi_is_of_the_whole_app() -> None:
    document = json.loads(generated()["openapi.json"])
    assert document["info"]["version"] == VERSION
    tags = {tag for node in _nodes(document["paths"]) for tag in node.get("tags", ())}
    assert {"intake", "workflow", "dispatch", "sla", "analytics", "ops"} <= tags
