"""Identifiers."""

from __future__ import annotations

import os
import time
import uuid


def uuid7() -> str:
    """Return a new UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then random bits."""
    value = int.from_bytes(os.urandom(10), "big")
    millis = time.time_ns() // 1_000_000
    number = (millis & (1 << 48) - 1) << 80 | 0x7 << 76 | (value >> 62 & 0xFFF) << 64
    number |= 0b10 << 62 | value & (1 << 62) - 1
    return str(uuid.UUID(int=number))


def traceparent() -> str:
    """Return a new W3C trace context header value (sampled)."""
    return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"


def request_number(year: int, number: int) -> str:
    """Return the public number of a request, e.g. ``CST-2026-0001``."""
    return f"CST-{year}-{number:04d}"
