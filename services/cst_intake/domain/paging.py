"""Cursors of pages that go along a request's history."""

from __future__ import annotations

import base64
import binascii

from cst_core.errors import InvalidInput


def seq_cursor(seq: int) -> str:
    """Return the cursor of a page that ends with event ``seq``."""
    return base64.urlsafe_b64encode(f"seq:{seq}".encode()).decode().rstrip("=")


def read_seq_cursor(cursor: str | None) -> int:
    """Return the ``seq`` that a page comes after; -1 for the first one.

    Raises:
        InvalidInput: it is not one of ours.
    """
    if cursor is None:
        return -1
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        name, _, seq = base64.urlsafe_b64decode(padded).decode("ascii").partition(":")
        if name != "seq" or not seq.isdecimal() or len(seq) > 9:
            raise ValueError
    except (ValueError, binascii.Error):
        raise InvalidInput.field("cursor", "is not a cursor of this route", cursor[:100]) from None
    return int(seq)
