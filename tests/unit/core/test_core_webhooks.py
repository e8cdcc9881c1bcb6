"""Signatures of webhooks are those of Standard Webhooks."""

from __future__ import annotations

import base64

import pytest

from cst_core.webhooks import signature, signing_key

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_published_example() -> None:
    signed = signature(
        signing_key(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "changed",
    [
        (signing_key("x" * 24), "id", 1, b"{}"),
        (signing_key(SECRET), "id2", 1, b"{}"),
        (signing_key(SECRET), "id", 2, b"{}"),
        (signing_key(SECRET), "id", 1, b"{ }"),
    ],
    ids=["key", "id", "timestamp", "body"],
)
def test_all_that_is_sent_is_signed(changed: tuple[bytes, str, int, bytes]) -> None:
    assert signature(*changed) != signature(signing_key(SECRET), "id", 1, b"{}")


def test_a_secret_is_its_bytes_or_base64() -> None:
    key = bytes(range(24))
    assert signing_key("whsec_" + base64.b64encode(key).decode()) == key
    assert signing_key("a secret of 24 bytes \N{SNOWMAN}") == (
        "a secret of 24 bytes \N{SNOWMAN}".encode()
    )
