"""The JSON Schema of an event as its writers keep to it: the whole CloudEvent, and nothing else.

A reader is more patient: it ignores unknown fields and maps unknown values of an enumeration to
``unknown``. That is what lets a schema grow.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import create_model
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core.core_schema import CoreSchema, ModelField

from cst_contracts.events import EventSpec, RequestEvent

Schema = dict[str, Any]

#: The member of every enumeration that only readers know.
_READERS_ONLY = "unknown"


class _WithoutFieldTitles(GenerateJsonSchema):
    """Titles of fields would only repeat their names."""

    def field_title_should_be_set(self, schema: ModelField | CoreSchema | Any) -> bool:
        return False


def event_schema(spec: EventSpec) -> Schema:
    """Return the closed schema of an event type: envelope, and ``data`` as its type has it."""
    fields: dict[str, Any] = {
        "specversion": (Literal["1.0"], ...),
        "type": (Literal[spec.type], ...),
        "dataschema": (Literal[spec.dataschema], ...),
        "data": (spec.data, ...),
    }
    model = create_model(
        f"{spec.data.__name__}Event", __base__=RequestEvent, __doc__=spec.data.__doc__, **fields
    )
    schema = model.model_json_schema(mode="serialization", schema_generator=_WithoutFieldTitles)
    head = {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": spec.dataschema,
        "title": f"{spec.type} v{spec.version}",
    }
    closed: Schema = _closed(schema)
    return head | {key: value for key, value in closed.items() if key != "title"}


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
