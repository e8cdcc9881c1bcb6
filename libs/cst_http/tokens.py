"""Bearer tokens: our own (signed with the local key), or an OIDC issuer's."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import jwt

from cst_contracts.enums import Role
from cst_core.errors import ConfigError, Unauthenticated, Unavailable
from cst_core.settings import Settings

LOCAL_ISSUER = "cst-local"
ROLES: tuple[str, ...] = get_args(Role)
_LOCAL_ALGORITHM = "HS256"
_OIDC_ALGORITHMS = ["RS256", "ES256", "EdDSA"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: subject and roles; an anonymous caller has neither.

    ``expires_at`` is when the token ends (seconds since 1970), for answers that go on longer.
    """

    subject: str | None = None
    roles: frozenset[str] = frozenset()
    expires_at: float | None = field(default=None, compare=False)

    @property
    def is_staff(self) -> bool:
        """Staff see everything; agents, citizens and the anonymous see less."""
        return bool(self.roles & {"dispatcher", "supervisor", "auditor", "admin"})

    @property
    def actor_type(self) -> str:
        """``by.actor_type`` of what this caller does."""
        if self.is_staff:
            return "staff"
        return "agent" if "agent" in self.roles else "citizen"

    @property
    def actor_id(self) -> str:
        return self.subject or "anonymous"


def local_secret(settings: Settings) -> bytes:
    """Return the local signing key: ``CST_AUTH_SECRET``, or one made once under ``CST_HOME``.

    Raises:
        ConfigError: the key file cannot be read or written.
    """
    if settings.auth_secret is not None:
        return settings.auth_secret.get_secret_value().encode()
    path = settings.home / "auth.key"
    try:
        return _read_or_make(path)
    except OSError as error:
        raise ConfigError(f"cannot keep the signing key in {path}: {error.strerror}") from None


def _read_or_make(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        # Written aside and linked into place, so that of two processes one key wins, whole.
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip().encode()


class Tokens:
    """Issues local tokens, checks local or OIDC ones, signs links."""

    def __init__(self, settings: Settings) -> None:
        self._secret = local_secret(settings)
        self._audience = settings.auth_audience
        self._issuer = settings.auth_issuer
        self._jwks = jwt.PyJWKClient(settings.auth_jwks_url) if settings.auth_jwks_url else None
        if bool(self._issuer) != bool(self._jwks):
            raise ConfigError("CST_AUTH_ISSUER and CST_AUTH_JWKS_URL go together; one is not set")

    def issue(self, subject: str, roles: list[str], *, ttl: timedelta) -> str:
        """Return a local token of ``subject`` with ``roles``, valid for ``ttl`` of wall time."""
        now = datetime.now(UTC)
        claims = {
            "iss": LOCAL_ISSUER,
            "aud": self._audience,
            "sub": subject,
            "roles": roles,
            "iat": now,
            "exp": now + ttl,
        }
        return jwt.encode(claims, self._secret, algorithm=_LOCAL_ALGORITHM)

    async def caller(self, token: str) -> Caller:
        """Return who holds ``token``; ``Unauthenticated`` says why it is not accepted."""
        try:
            claims = await self._claims(token)
        except jwt.PyJWKClientConnectionError as error:
            raise Unavailable(f"the issuer's keys cannot be fetched: {error}") from None
        except jwt.PyJWTError as error:
            raise Unauthenticated(f"the bearer token is not valid: {error}") from None
        roles = claims.get("roles", [])
        if not isinstance(roles, list):
            raise Unauthenticated("the bearer token's roles are not a list")
        known = frozenset(map(str, roles)) & frozenset(ROLES)
        return Caller(str(claims["sub"]), known, float(claims["exp"]))

    async def _claims(self, token: str) -> dict[str, Any]:
        options: Any = {"require": ["exp", "sub"]}
        if self._jwks is None:
            return jwt.decode(
                token,
                self._secret,
                algorithms=[_LOCAL_ALGORITHM],
                audience=self._audience,
                issuer=LOCAL_ISSUER,
                options=options,
            )
        # PyJWKClient fetches keys with blocking I/O.
        key = await asyncio.to_thread(self._jwks.get_signing_key_from_jwt, token)
        return jwt.decode(
            token,
            key.key,
            algorithms=_OIDC_ALGORITHMS,
            audience=self._audience,
            issuer=self._issuer,
            options=options,
        )

    def sign(self, purpose: str, text: str) -> str:
        """Return a signature of ``text`` for one purpose; always the same for the same input."""
        key = hmac.new(self._secret, purpose.encode(), hashlib.sha256).digest()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32]

    def is_signed(self, purpose: str, text: str, signature: str) -> bool:
        """Tell whether ``signature`` is ours."""
        return hmac.compare_digest(self.sign(purpose, text).encode(), signature.encode())
