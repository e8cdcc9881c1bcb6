"""Turns pydantic's findings into one line each: what is wrong, the value seen, what is allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cst_city.documents import Document, KeyPath

#: A value longer than this is cut in a message.
SHOWN_CHARS = 60


def explain(
    document: Document, at: KeyPath, model: type[BaseModel], error: ValidationError
) -> Iterator[str]:
    """Yield a problem line for each finding about the value of ``model`` that stands at ``at``."""
    for finding in error.errors(include_url=False):
        # The value it would have been copied from has a finding of its own.
        if finding["type"] == "default_factory_not_called":
            continue
        location = tuple(part for part in finding["loc"] if part != "[key]")
        yield document.problem((*at, *location), _message(model, finding))


def unknown(what: str, seen: str, allowed: Iterable[str]) -> str:
    """Say that ``seen`` is no known ``what``; name the closest of ``allowed``, and them if few."""
    names = sorted(allowed)
    close = get_close_matches(seen, names, n=1)
    guess = f" did you mean {close[0]!r}?" if close else ""
    listed = ", ".join(names[:20]) + (f", … ({len(names)} in all)" if len(names) > 20 else "")
    return f"unknown {what} {seen!r};{guess} allowed: {listed or 'none'}"


def shown(value: object) -> str:
    """The value as written in a message, cut when long."""
    text = repr(value)
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"


def _message(model: type[BaseModel], finding: ErrorDetails) -> str:
    kind, location = finding["type"], finding["loc"]
    if kind == "extra_forbidden":
        fields = _model_at(model, location[:-1]).model_fields
        return unknown("key", str(location[-1]), fields)
    if kind == "missing":
        return f"required {'item' if isinstance(location[-1], int) else 'key'} is missing"
    message = re.sub(r"^\w+ should", "must", finding["msg"].removeprefix("Value error, "))
    # A rule about several keys at once says itself what it saw.
    if kind == "value_error" and isinstance(finding["input"], dict | BaseModel):
        return message
    return f"{message}, got {shown(finding['input'])}"


def _model_at(model: type[BaseModel], location: Sequence[str | int]) -> type[BaseModel]:
    """The model that describes the mapping at ``location`` inside a value of ``model``."""
    annotation: Any = model
    for part in location:
        nested = _nested_model(annotation)
        if isinstance(part, str) and nested is not None:
            annotation = nested.model_fields[part].annotation
    return _nested_model(annotation) or model


def _nested_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_nested_model, get_args(annotation))), None)
