"""Signatures of webhooks, as https://www.standardwebhooks.com has them (symmetric, ``v1``)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

#: Before a secret that is written in base64.
PREFIX = "whsec_"
#: What the convention asks of a secret at least.
MIN_BYTES = 24


def signing_key(secret: str) -> bytes:
    """Return the key that a secret stands for: its bytes, or those in base64 after ``whsec_``.

    Raises:
        ValueError: it is too short, or no base64; the text does not quote it.
    """
    if secret.startswith(PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError(f"is no base64 after {PREFIX}") from None
    else:
        key = secret.encode()
    if len(key) < MIN_BYTES:
        raise ValueError(f"is {len(key)} bytes; at least {MIN_BYTES} are needed")
    return key


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the header ``webhook-signature``; ``timestamp`` in seconds since 1970."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
