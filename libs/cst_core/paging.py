"""Cursors of lists in order of an instant and a key: they name where a page ended."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime

import orjson

from cst_core.errors import InvalidInput


def write_place(at: datetime, key: str) -> str:
    """Return the cursor of a page's last item."""
    return base64.urlsafe_b64encode(orjson.dumps([at.isoformat(), key])).decode().rstrip("=")


def read_place(cursor: str) -> tuple[datetime, str]:
    """Return what ``write_place`` was given; ``InvalidInput`` where it is not one of ours."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        at, key = orjson.loads(base64.urlsafe_b64decode(padded))
        if isinstance(at, str) and isinstance(key, str):
            return datetime.fromisoformat(at).astimezone(UTC), key
    except (ValueError, TypeError, OverflowError, binascii.Error):
        pass
    raise InvalidInput.field("cursor", "is not a cursor of this API", cursor[:100])
