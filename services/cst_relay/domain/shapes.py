"""From a stored document to the body of a contract: what its model names, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple, get_args

from bson import ObjectId
from pydantic import BaseModel


class _Field(NamedTuple):
    name: str
    required: bool
    default: Any
    model: type[BaseModel] | None


def shaped(model: type[BaseModel], document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of ``document`` that ``model`` names, on every level; ids as hexadecimal.

    Values are not judged: one that this version does not know is for the reader to take as unknown.

    Raises:
        KeyError: a required field is missing.
        TypeError: something other than a document stands where the model has one.
    """
    return {
        field.name: _value(
            field.model,
            document[field.name] if field.required else document.get(field.name, field.default),
        )
        for field in _fields(model)
    }


def _value(model: type[BaseModel] | None, value: Any) -> Any:
    if isinstance(value, list):
        return [_value(model, item) for item in value]
    if model is not None and value is not None:
        if not isinstance(value, dict):
            raise TypeError(f"{type(value).__name__} instead of {model.__name__}")
        return shaped(model, value)
    return str(value) if isinstance(value, ObjectId) else value


@cache
def _fields(model: type[BaseModel]) -> list[_Field]:
    return [
        _Field(name, field.is_required(), field.get_default(), _model_in(field.annotation))
        for name, field in model.model_fields.items()
    ]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that a field's type holds, be it optional or a list's."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(part) for part in get_args(annotation))
    return next((model for model in found if model is not None), None)
