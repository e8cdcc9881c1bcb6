"""From a stored event to its Kafka record, or to a dead letter where it is malformed."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cst_ledger.wire import cloud_event
from cst_relay.domain.records import Document, Headers, Record, instant, to_json

CONTENT_TYPE = b"application/cloudevents+json"
#: Largest value of a record, in bytes; brokers refuse records over 1 MB.
MAX_VALUE = 900_000
_MAX_ERROR = 2_000
#: What comes of reading something that is not what it should be.
MALFORMED = (KeyError, TypeError, AttributeError, ValueError)
#: What a dead letter shows of a stored event: free text must never enter Kafka, and in a malformed
#: event nobody knows where it stands.
_SHOWN = ("event_id", "subject", "seq", "version", "type", "service", "at", "recorded_at")


class Malformed(Exception):
    """A stored event cannot be published."""


class TooLarge(ValueError):
    """A record is larger than brokers take."""


def fitting(record: Record) -> Record:
    """Return ``record``; raises ``TooLarge`` where it is over ``MAX_VALUE``."""
    if record.size > MAX_VALUE:
        raise TooLarge(f"{record.size} bytes, at most {MAX_VALUE} can be sent")
    return record


@lru_cache(maxsize=4096)
def _encoded(text: str) -> bytes:
    return text.encode()


def event_record(event: Document, city: str) -> Record:
    """Return the record of a stored event: a CloudEvent in structured mode.

    Raises:
        Malformed: a field is missing or of the wrong kind, or the record is too large.
    """
    try:
        published = cloud_event(event, city)
        if not isinstance(published["data"]["facts"], dict):
            raise TypeError("facts is not a document")
        return cloud_record(published)
    except MALFORMED as error:
        raise Malformed(f"{type(error).__name__}: {error}") from error


def cloud_record(published: Document) -> Record:
    """Return the record of a CloudEvent in structured mode, its attributes in the headers too.

    Raises one of ``MALFORMED`` where an attribute is missing or of the wrong kind, or it is too
    large.
    """
    key = published["subject"].encode()
    return fitting(Record(key, to_json(published), _headers(published)))


def _headers(published: Document) -> Headers:
    headers = [
        ("content-type", CONTENT_TYPE),
        ("ce_specversion", b"1.0"),
        ("ce_id", published["id"].encode()),
        ("ce_source", _encoded(published["source"])),
        ("ce_type", _encoded(published["type"])),
        ("ce_subject", published["subject"].encode()),
        ("ce_time", instant(published["time"]).encode()),
        ("ce_dataschema", _encoded(published["dataschema"])),
        ("ce_seq", b"%d" % published["seq"]),
        ("ce_version", b"%d" % published["version"]),
    ]
    if published.get("traceparent") is not None:
        headers.append(("ce_traceparent", published["traceparent"].encode()))
    return headers


def dead_letter(event: Any, error: str, *, feed: str, source: str, topic: str) -> Record:
    """Return the record that tells of a malformed event and where it stands.

    Args:
        event: what is stored, of any kind.
        error: why it cannot be published.
        feed: name of the feed that found it.
        source: where it stands, ``collection/document id``.
        topic: name of the topic it was meant for.
    """
    shown = _shown(event)
    key = shown.get("subject", source)
    headers = [
        ("content-type", b"application/json"),
        ("cst_dlq_consumer", f"relay:{feed}".encode()),
        ("cst_dlq_error", error[:_MAX_ERROR].encode(errors="replace")),
        ("cst_dlq_topic", topic.encode()),
        ("cst_dlq_source", source.encode()),
    ]
    return Record(str(key).encode(errors="replace"), to_json(shown), headers, dead=True)


def _shown(event: Any) -> dict[str, str]:
    if not isinstance(event, dict):
        return {}
    return {name: str(event[name])[:200] for name in _SHOWN if name in event}
