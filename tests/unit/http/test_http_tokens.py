"""Tokens and signatures: whose they are, and keys that two processes share."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from cst_core.errors import ConfigError, Unauthenticated
from cst_core.settings import Settings, load_settings
from cst_http.tokens import Caller, Tokens, local_secret

SECRET = "0123456789abcdef" * 4


def settings(**values: object) -> Settings:
    return load_settings(Settings, _env_file=None, **{"auth_secret": SECRET} | values)


async def test_a_token_tells_who_calls() -> None:
    tokens = Tokens(settings())
    token = tokens.issue("ada", ["dispatcher", "king"], ttl=timedelta(minutes=1))
    assert await tokens.caller(token) == Caller("ada", frozenset({"dispatcher"}))


async def test_a_token_of_another_city_is_refused() -> None:
    theirs = Tokens(settings(auth_audience="boston")).issue("ada", [], ttl=timedelta(minutes=1))
    with pytest.raises(Unauthenticated, match="udience"):
        await Tokens(settings()).caller(theirs)


@pytest.mark.parametrize(
    ("roles", "actor", "staff"),
    [
        ((), "citizen", False),
        (("citizen",), "citizen", False),
        (("agent",), "agent", False),
        (("agent", "auditor"), "staff", True),
        (("dispatcher",), "staff", True),
        (("admin",), "staff", True),
    ],
)
def test_what_a_caller_acts_as(roles: tuple[str, ...], actor: str, staff: bool) -> None:
    caller = Caller("x", frozenset(roles))
    assert (caller.actor_type, caller.is_staff) == (actor, staff)


def test_a_signature_holds_for_one_purpose_text_and_key() -> None:
    tokens = Tokens(settings())
    signature = tokens.sign("follow", "CST-2026-0001")
    assert tokens.is_signed("follow", "CST-2026-0001", signature)
    assert not tokens.is_signed("other", "CST-2026-0001", signature)
    assert not tokens.is_signed("follow", "CST-2026-0002", signature)
    assert not tokens.is_signed("follow", "CST-2026-0001", "ünicode")
    other = Tokens(settings(auth_secret="x" * 32))
    assert not other.is_signed("follow", "CST-2026-0001", signature)
    assert Tokens(settings()).sign("follow", "CST-2026-0001") == signature


def test_processes_that_start_together_make_one_key(tmp_path: Path) -> None:
    mine = settings(auth_secret=None, home=tmp_path)
    keys: list[bytes] = []
    threads = [threading.Thread(target=lambda: keys.append(local_secret(mine))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1
    assert len(keys[0]) >= 32
    assert [path.name for path in tmp_path.iterdir()] == ["auth.key"]
    assert (tmp_path / "auth.key").stat().st_mode & 0o077 == 0


def test_a_key_that_cannot_be_kept_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot keep the signing key"):
        local_secret(settings(auth_secret=None, home=tmp_path / "file"))


@pytest.mark.parametrize(
    "half", [{"auth_issuer": "https://id"}, {"auth_jwks_url": "https://id/keys"}]
)
def test_issuer_and_keys_go_together(half: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="go together"):
        Tokens(settings(**half))
