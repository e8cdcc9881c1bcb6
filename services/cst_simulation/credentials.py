"""The tokens with which the simulated staff call the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from cst_core.errors import ConfigError
from cst_core.settings import Settings
from cst_http.tokens import Tokens

#: A token is made for each call, so it may be short-lived and a long run never outlives it.
TTL = timedelta(minutes=10)
SUPERVISOR = "sim-supervisor"


@dataclass(frozen=True)
class Credentials:
    """Headers of the staff and of each agent: signed locally, or one given token for all."""

    tokens: Tokens | None
    given: str | None = None

    @classmethod
    def of(cls, settings: Settings, given: str | None) -> Credentials:
        """Return those of a system.

        Raises:
            ConfigError: an OIDC issuer makes this system's tokens, and none was given.
        """
        if given is not None:
            return cls(None, given)
        if settings.auth_issuer is not None:
            raise ConfigError(
                f"tokens come from {settings.auth_issuer}: pass a supervisor's with --token, "
                "or run with --no-agents"
            )
        return cls(Tokens(settings))

    def staff(self) -> dict[str, str]:
        """Return the headers of a supervisor."""
        return self._headers(SUPERVISOR, "supervisor")

    def agent(self, code: str) -> dict[str, str]:
        """Return the headers of an agent; a given token acts for all of them."""
        return self._headers(code, "agent")

    def _headers(self, subject: str, role: str) -> dict[str, str]:
        token = self.given
        if self.tokens is not None:
            token = self.tokens.issue(subject, [role], ttl=TTL)
        return {"Authorization": f"Bearer {token}"}
