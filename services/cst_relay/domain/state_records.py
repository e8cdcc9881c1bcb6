"""From a stored document to the record of its state, or the one that says that it is gone."""

from __future__ import annotations

from cst_contracts.messages import MessageSpec
from cst_relay.domain.records import Document, Headers, Record, to_json
from cst_relay.domain.request_records import fitting
from cst_relay.domain.shapes import shaped


def state_record(spec: MessageSpec, key: str, document: Document) -> Record:
    """Return the record of a document as it stands: what ``spec`` names of it, keyed by ``key``.

    Raises one of ``MALFORMED`` where a field is missing or of the wrong kind, or it is too large.
    """
    return fitting(Record(key.encode(), to_json(shaped(spec.body, document)), _headers(spec)))


def tombstone(spec: MessageSpec, key: str) -> Record:
    """Return the record that says that ``key`` is gone; compaction then forgets it."""
    return Record(key.encode(), None, _headers(spec))


def _headers(spec: MessageSpec) -> Headers:
    return [("content-type", b"application/json"), ("cst_schema", spec.dataschema.encode())]
