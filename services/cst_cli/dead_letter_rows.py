"""How ``cst dlq`` shows what it finds: as objects, and as lines."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import orjson

from cst_bus.dead_letter_notes import Note
from cst_cli.dead_letter_desk import Letter, Pair

Row = dict[str, Any]

_LINE_ERROR = 160


def pair_row(pair: Pair, waiting: int) -> Row:
    """Return a parked request with how many events of the ledger wait."""
    return {
        "id": pair.id,
        "state": "parked",
        "consumer": pair.consumer,
        "request_id": pair.request_id,
        "since": pair.why.since,
        "error": pair.why.error,
        "failed_seq": pair.why.seq,
        "handled_through_seq": pair.mark.seq,
        "waiting": waiting,
    }


def letter_row(letter: Letter) -> Row:
    """Return a record without its headers and body."""
    record = letter.record
    row = {
        "id": record.id,
        "state": letter.state,
        "consumer": record.consumer,
        "request_id": record.request_id,
        "since": record.at,
        "error": record.error,
        "key": _text(record.key),
        "source": record.source,
    }
    return row if letter.note is None else row | {"discarded": _decision(letter.note)}


def whole_letter(letter: Letter) -> Row:
    """Return everything about a record."""
    value = letter.record.value
    return letter_row(letter) | {"headers": letter.record.headers, "body": _body(value)}


def skipped_row(note: Note) -> Row:
    """Return an event that was skipped."""
    consumer, _, event = note.id.partition("/")
    request_id, _, seq = event.rpartition("@")
    return {
        "id": note.id,
        "state": "discarded",
        "consumer": consumer,
        "request_id": request_id,
        "since": note.at,
        "error": f"event {seq} was skipped",
        "discarded": _decision(note),
    }


def line(row: Mapping[str, Any]) -> str:
    """Return a row as one line, its id first."""
    state = f"{row['state']} since {row['since']:%Y-%m-%dT%H:%M:%SZ}"
    if "waiting" in row:
        state += f", {row['waiting']} waiting"
    if decision := row.get("discarded"):
        why = f": {decision['reason']}" if decision["reason"] else ""
        state += f", discarded by {decision['by']}{why}"
    error = " ".join(str(row["error"]).split())[:_LINE_ERROR]
    return f"{row['id']}\t{state}\t{row['consumer']}: {error}"


def _decision(note: Note) -> Row:
    return {"by": note.decision.by, "reason": note.decision.reason, "at": note.at}


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode(errors="replace")


def _body(raw: bytes | None) -> Any:
    """Return a body as what it is: JSON, text, or bytes."""
    if raw is None:
        return None
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        pass
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}
