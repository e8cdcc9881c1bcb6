"""What citizens report, in which words, how often and when; read from ``kinds.yaml``."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from cst_city import Category
from cst_simulation.hours import Shape

Texts = tuple[str, ...]


class Kind(BaseModel):
    """How one category is reported and worked on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weight: float = Field(gt=0)
    hours: Shape = "day"
    months: tuple[int, ...] = tuple(range(1, 13))
    work_minutes: float = Field(gt=0)
    texts: Texts = Field(min_length=1)
    danger: Texts = ()


class _Book(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    hints: Texts
    default: Kind
    kinds: dict[str, Kind]


@cache
def _book() -> _Book:
    text = (resources.files("cst_simulation") / "kinds.yaml").read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.safe_load(text)
    return _Book.model_validate(data)


def kind_of(category: Category) -> Kind:
    """Return the kind of a category; one that has none is reported in general words."""
    found = _book().kinds.get(category.code)
    if found is not None:
        return found
    plain = _book().default
    named = tuple(text.format(name=category.name) for text in plain.texts)
    return plain.model_copy(update={"texts": named})


def hints() -> Texts:
    """Return the ways in which citizens describe a place; ``{n}`` stands for a number."""
    return _book().hints
