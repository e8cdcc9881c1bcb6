"""The lists of a city's folder, item by item, so that one bad item hides no other mistake."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from cst_city.documents import Document, KeyPath
from cst_city.explain import explain, shown, unknown

M = TypeVar("M", bound=BaseModel)

#: Top-level keys that only hold YAML anchors.
EXTENSION_PREFIX = "x-"


@dataclass
class Section(Generic[M]):
    """The items under ``key`` of ``document`` by position, without those that have mistakes."""

    document: Document
    key: str
    items: dict[int, M] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    complete: bool = True

    def problem(self, index: int, key: KeyPath, message: str) -> str:
        """A problem line about ``key`` inside the item at ``index``."""
        return self.document.problem((self.key, index, *key), message)

    def declared(self, name: str) -> set[str]:
        """All text that stands under ``name`` in any item, in those with mistakes too.

        So a reference to an item with a mistake is not reported as a second mistake.
        """
        values = [item.get(name) for item in self.raw() if isinstance(item, dict)]
        lists = [value if isinstance(value, list) else [value] for value in values]
        return {text for text in chain.from_iterable(lists) if isinstance(text, str)}

    def raw(self) -> list[Any]:
        """The items as they stand in the file."""
        listed = self.document.data.get(self.key)
        return listed if isinstance(listed, list) else []


def read_section(document: Document, key: str, model: type[M], id_field: str) -> Section[M]:
    """Read the list under ``key``; findings are collected in ``problems`` of the section."""
    section: Section[M] = Section(document, key)
    section.problems.extend(_strange_keys(document, key))
    if not section.raw():
        message = f"must be a list of items, got {shown(document.data.get(key))}"
        section.problems.append(document.problem((key,), message))
        section.complete = False
    for index, value in enumerate(section.raw()):
        _read_item(section, index, value, model)
    section.problems.extend(_repeated(section, id_field))
    return section


def _strange_keys(document: Document, key: str) -> Iterator[str]:
    for name in document.data:
        if name != key and not name.startswith(EXTENSION_PREFIX):
            yield document.problem((name,), unknown("key", name, [key, f"{EXTENSION_PREFIX}…"]))


def _read_item(section: Section[M], index: int, value: Any, model: type[M]) -> None:
    try:
        section.items[index] = model.model_validate(value)
    except ValidationError as error:
        at = (section.key, index)
        section.problems.extend(explain(section.document, at, model, error))
        section.complete = False


def _repeated(section: Section[M], id_field: str) -> Iterator[str]:
    first_line: dict[str, int] = {}
    for index, item in enumerate(section.raw()):
        name = item.get(id_field) if isinstance(item, dict) else None
        if not isinstance(name, str):
            continue
        if name in first_line:
            message = f"{name!r} is used twice, first on line {first_line[name]}"
            yield section.problem(index, (id_field,), message)
        line = section.document.line((section.key, index, id_field))
        first_line.setdefault(name, line)
