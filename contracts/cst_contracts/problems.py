"""Problem types of the REST API (RFC 9457, ``application/problem+json``)."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class FieldError(BaseModel):
    """One wrong field: where it is, what is wrong, and what was seen."""

    field: str
    message: str
    value: Any = None
    allowed: list[str] | None = None


class Problem(BaseModel):
    """An error answer. ``type`` names the kind; further members depend on it."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    errors: list[FieldError] | None = None
