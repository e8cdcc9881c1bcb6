"""Problem types of the REST API (RFC 9457, ``application/problem+json``)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, WithJsonSchema


class FieldError(BaseModel):
    """One wrong field: where it is, what is wrong, and what was seen."""

    field: str
    message: str
    value: Any = None
    allowed: list[str] | None = None


#: Written out in place: an OpenAPI document that embeds the schema has no ``$defs`` at its root.
_ERRORS_SCHEMA = {"type": "array", "items": FieldError.model_json_schema()}


class Problem(BaseModel):
    """An error answer. ``type`` names the kind; further members depend on it."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    errors: Annotated[list[FieldError], WithJsonSchema(_ERRORS_SCHEMA)] | None = None
