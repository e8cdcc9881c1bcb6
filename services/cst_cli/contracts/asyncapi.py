"""The AsyncAPI 3.0 document: topics as channels, their messages, who sends and receives."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import Any

from cst_bus.dead_letters import CONSUMER, CUT_FROM, ERROR, OFFSET, PARTITION, REQUEST, TOPIC
from cst_cli.contracts.schemas import Spec, message_id, specs
from cst_cli.contracts.subscriptions import Consumer, consumers
from cst_contracts.events import EVENTS, EventSpec
from cst_contracts.messages import MessageSpec
from cst_contracts.public import PUBLIC_PREFIX, PublicRequestEvent
from cst_contracts.topics import REQUEST_EVENTS, TOPICS, Topic
from cst_http.app import VERSION
from cst_relay.feed import Feed
from cst_relay.feeds import all_feeds

Node = dict[str, Any]

_BINDING = "0.5.0"
_DIALECT = "application/schema+json;version=draft-2020-12"
_DEAD_LETTER = "dead-letter"
_EVENT_HEADERS = (
    "ce_id",
    "ce_source",
    "ce_specversion",
    "ce_type",
    "ce_subject",
    "ce_time",
    "ce_seq",
)
#: A consumer's dead letters say where the record stood, the relay's in which document.
_DEAD_LETTER_HEADERS = (REQUEST, PARTITION, OFFSET, CUT_FROM, "cst_dlq_source")
_DESCRIPTION = (
    "What the Citizen Services Tracker publishes to Kafka. An event is a CloudEvent 1.0 in "
    "structured mode; its attributes stand in the headers too (ce_*). Events of one key are in "
    "seq order; one may come again, so drop what you had. A state is plain JSON. Ignore fields you "
    "do not know, and take an unknown value of an enumeration as unknown."
)


def asyncapi() -> Node:
    """Return the whole document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Citizen Services Tracker",
            "version": VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {name: node for topic in TOPICS for name, node in _channels(topic)},
        "operations": _send() | {c.name: _receive(c) for c in consumers()},
        "components": {
            "messages": {message_id(spec): _message(spec) for spec in specs()}
            | {_DEAD_LETTER: _dead_letter()}
        },
    }


def _topic_of(spec: Spec) -> Topic:
    return spec.topic if isinstance(spec, MessageSpec) else REQUEST_EVENTS


def _messages_on(topic: Topic) -> list[Spec]:
    return [spec for spec in specs() if _topic_of(spec) == topic]


def _channels(topic: Topic) -> Iterable[tuple[str, Node]]:
    names = [message_id(spec) for spec in _messages_on(topic)]
    yield topic.name, _channel(topic.name, topic.description, names, topic.partitions, topic)
    if topic.dead_letter:
        text = f"What a consumer of {topic.name} could not handle, or the relay not publish."
        yield topic.dlq, _channel(topic.dlq, text, [_DEAD_LETTER], 1, topic)


def _channel(
    name: str, description: str, messages: list[str], partitions: int, topic: Topic
) -> Node:
    compacted = topic.compacted and name == topic.name
    config: Node = {"cleanup.policy": ["compact" if compacted else "delete"]}
    if not compacted:
        config["retention.ms"] = topic.retention_ms
    kafka = {
        "topic": name,
        "partitions": partitions,
        "topicConfiguration": config,
        "bindingVersion": _BINDING,
    }
    return {
        "address": name,
        "description": f"{description} Keyed by {topic.key}.",
        "messages": {key: {"$ref": f"#/components/messages/{key}"} for key in messages},
        "bindings": {"kafka": kafka},
    }


def _message(spec: Spec) -> Node:
    schema = {"$ref": f"./schemas/{spec.file}"}
    own = _event(spec) if isinstance(spec, EventSpec) else _other(spec)
    return own | {
        "payload": {"schemaFormat": _DIALECT, "schema": schema},
        "bindings": _keyed(_topic_of(spec).key),
    }


def _event(spec: EventSpec) -> Node:
    return {
        "name": spec.type,
        "title": spec.name,
        "summary": spec.data.__doc__,
        "headers": _headers(*_EVENT_HEADERS),
        "x-producers": sorted(spec.producers),
    }


def _other(spec: MessageSpec) -> Node:
    node: Node = {"name": spec.name, "summary": inspect.getdoc(spec.body)}
    if issubclass(spec.body, PublicRequestEvent):
        public = [event.name for event in EVENTS.values() if event.public]
        return node | {
            "headers": _headers(*_EVENT_HEADERS),
            "x-types": [PUBLIC_PREFIX + name for name in public],
        }
    return node | {"contentType": "application/json", "headers": _headers("cst_schema")}


def _dead_letter() -> Node:
    return {
        "name": _DEAD_LETTER,
        "summary": "A record with its key and body unchanged; the headers say what was wrong.",
        "headers": _headers(CONSUMER, ERROR, TOPIC, optional=_DEAD_LETTER_HEADERS),
        "payload": {},
        "bindings": _keyed("the record's own key"),
    }


def _headers(*names: str, optional: Sequence[str] = ()) -> Node:
    properties = {name: {"type": "string"} for name in (*names, *optional)}
    return {"type": "object", "properties": properties, "required": list(names)}


def _keyed(by: str) -> Node:
    return {"kafka": {"key": {"type": "string", "description": by}, "bindingVersion": _BINDING}}


def _send() -> dict[str, Node]:
    return {f"relay.{feed.name}": _sent_by(feed) for feed in all_feeds("any")}


def _sent_by(feed: Feed) -> Node:
    refs = [_message_ref(feed.topic, spec) for spec in _messages_on(feed.topic)]
    return _operation(
        "send", feed.topic, refs, f"Relay: the change stream of {feed.collection} to Kafka."
    )


def _receive(consumer: Consumer) -> Node:
    wanted: list[Spec] = [spec for name, spec in EVENTS.items() if name in consumer.types]
    specs = wanted if consumer.topic == REQUEST_EVENTS else _messages_on(consumer.topic)
    refs = [_message_ref(consumer.topic, spec) for spec in specs]
    node = _operation(
        "receive", consumer.topic, refs, f"Consumer of the {consumer.service} service."
    )
    group = {"groupId": {"type": "string", "enum": [consumer.name]}, "bindingVersion": _BINDING}
    return node | {"bindings": {"kafka": group}}


def _operation(action: str, topic: Topic, messages: list[Node], summary: str) -> Node:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": summary,
        "messages": messages,
    }


def _message_ref(topic: Topic, spec: Spec) -> Node:
    return {"$ref": f"#/channels/{topic.name}/messages/{message_id(spec)}"}
