"""The JSON Schema of a message as its writers keep to it: the whole body, and nothing else.

A reader is more patient: it ignores unknown fields and maps unknown values of an enumeration to
``unknown``. That is what lets a schema grow.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, create_model
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core.core_schema import CoreSchema, ModelField

from cst_contracts.events import EVENTS, EventSpec, RequestEvent
from cst_contracts.messages import MESSAGES, MessageSpec

Schema = dict[str, Any]
Spec = EventSpec | MessageSpec

#: The member of every enumeration that only readers know.
_READERS_ONLY = "unknown"


class _WithoutFieldTitles(GenerateJsonSchema):
    """Titles of fields would only repeat their names."""

    def field_title_should_be_set(self, schema: ModelField | CoreSchema | Any) -> bool:
        return False


def specs() -> list[Spec]:
    """Return every message that is published."""
    return [*EVENTS.values(), *MESSAGES]


def message_id(spec: Spec) -> str:
    """Return the name of a message with its version, e.g. ``cst.request.created.v1``."""
    return spec.file.removesuffix(".json")


def schema_of(spec: Spec) -> Schema:
    """Return the closed schema of a message."""
    model = spec.body if isinstance(spec, MessageSpec) else _event_model(spec)
    schema = model.model_json_schema(mode="serialization", schema_generator=_WithoutFieldTitles)
    head = {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": spec.dataschema,
        "title": " v".join(message_id(spec).rsplit(".v", 1)),
    }
    closed: Schema = _closed(schema)
    return head | {key: value for key, value in closed.items() if key != "title"}


def _event_model(spec: EventSpec) -> type[BaseModel]:
    """Return the model of an event: the envelope, and ``data`` as its type has it."""
    fields: dict[str, Any] = {
        "specversion": (Literal["1.0"], ...),
        "type": (Literal[spec.type], ...),
        "dataschema": (Literal[spec.dataschema], ...),
        "data": (spec.data, ...),
    }
    return create_model(
        f"{spec.data.__name__}Event", __base__=RequestEvent, __doc__=spec.data.__doc__, **fields
    )


def _closed(node: Any) -> Any:
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: _closed(value) for key, value in node.items()}
    if isinstance(found.get("properties"), dict):
        found.setdefault("additionalProperties", False)
    if isinstance(found.get("enum"), list):
        found["enum"] = [value for value in found["enum"] if value != _READERS_ONLY]
    return found


def opened(node: Any) -> Any:
    """Return a schema as its readers take it: with fields that it does not name."""
    if isinstance(node, list):
        return [opened(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: opened(value)
        for key, value in node.items()
        if not (key == "additionalProperties" and value is False)
    }
