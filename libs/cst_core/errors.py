"""Errors that a caller may see. Each knows its problem type, its HTTP status and its details."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar


class CstError(Exception):
    """Base of every expected error: one line of detail, and members for the problem document."""

    type: ClassVar[str] = "error"
    title: ClassVar[str] = "Error"
    status: ClassVar[int] = 400

    def __init__(self, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = members


class NotFound(CstError):
    type, title, status = "not-found", "Not found", 404


class Unauthenticated(CstError):
    type, title, status = "unauthenticated", "A bearer token is needed", 401


class Forbidden(CstError):
    type, title, status = "forbidden", "Not allowed for your role", 403


class TooLarge(CstError):
    type, title, status = "too-large", "Too large", 413


class TooManyRequests(CstError):
    """Asked too often; ``retry_after_s`` says when to ask again."""

    type, title, status = "too-many-requests", "Too many requests", 429

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(detail, retry_after_s=retry_after_s)


class Unavailable(CstError):
    type, title, status = "unavailable", "Temporarily unavailable", 503


class InvalidInput(CstError):
    """The input is well-formed but not acceptable; ``errors`` names each wrong field."""

    type, title, status = "invalid-input", "Invalid input", 422

    def __init__(self, detail: str, errors: Sequence[dict[str, Any]] = (), **members: Any) -> None:
        super().__init__(detail, errors=list(errors), **members)

    @classmethod
    def field(
        cls, field: str, message: str, value: Any, allowed: Sequence[str] | None = None
    ) -> InvalidInput:
        """Return the error of one wrong field."""
        error: dict[str, Any] = {"field": field, "message": message, "value": value}
        if allowed is not None:
            error["allowed"] = list(allowed)
        return cls(f"{field}: {message}", [error])


class IdempotencyMismatch(InvalidInput):
    type, title = "idempotency-mismatch", "The idempotency key was used with another body"


class MissingFields(InvalidInput):
    type, title = "missing-fields", "The step needs more fields"


class TransitionRefused(CstError):
    """The rule set has no such step; ``allowed`` names those it has from here."""

    type, title, status = "transition-refused", "This step is not allowed", 409


class StaleVersion(CstError):
    """The caller's version is not the current one, which ``current_version`` gives."""

    type, title, status = "stale-version", "The request has changed since you read it", 409


class Conflict(CstError):
    type, title, status = "conflict", "Conflict", 409


class ConfigError(CstError):
    """Something is set wrong; a process says so in one line and ends."""

    type, title, status = "config", "Wrong configuration", 500
