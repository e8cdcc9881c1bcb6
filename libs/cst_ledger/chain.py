"""The hash chain over a request's events.

``hash`` is SHA-256 over ``prev_hash`` and the event's canonical JSON. Free text is in it as its
salted digest only, so that erasing a text and its salt leaves the chain intact and the digest
cannot be guessed.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any

import orjson
from bson import ObjectId

#: ``prev_hash`` of the first event.
GENESIS = "0" * 64
#: Free text in ``meta``; erased together with ``salt``.
TEXT_KEYS = ("message", "address_hint")
_NOT_HASHED = frozenset((*TEXT_KEYS, "salt"))


def _plain(value: object) -> str:
    if isinstance(value, ObjectId):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")


def canonical(value: object) -> bytes:
    """Return the canonical JSON of ``value``: sorted keys, no blanks, UTC instants, hex ids."""
    return orjson.dumps(
        value, default=_plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS
    )


def new_salt() -> str:
    """Return 128 random bits in hexadecimal."""
    return os.urandom(16).hex()


def text_digest(salt: str, meta: dict[str, Any]) -> str:
    """Return the salted SHA-256 of an event's free text."""
    texts = {key: meta.get(key) for key in TEXT_KEYS}
    return hashlib.sha256(salt.encode() + canonical(texts)).hexdigest()


def event_hash(event: dict[str, Any]) -> str:
    """Return the hash of a stored event (its own ``hash`` left out, its text as digest)."""
    hashed = {key: value for key, value in event.items() if key != "hash"}
    hashed["meta"] = {k: v for k, v in event["meta"].items() if k not in _NOT_HASHED}
    return hashlib.sha256(event["prev_hash"].encode() + canonical(hashed)).hexdigest()


def text_is_genuine(event: dict[str, Any]) -> bool:
    """Tell whether the text still fits its digest; erased text (no salt) does."""
    meta = event["meta"]
    salt = meta.get("salt")
    if salt is None:
        return all(meta.get(key) is None for key in TEXT_KEYS)
    return bool(meta.get("text_digest") == text_digest(salt, meta))
