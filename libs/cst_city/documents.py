"""YAML files that remember on which line each key stands.

Scalars follow the core schema of YAML 1.2: ``off`` and ``no`` are text, ``22:00`` is no number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

KeyPath = tuple[str | int, ...]

_MERGE_TAG = "tag:yaml.org,2002:merge"


class DocumentError(Exception):
    """A file that cannot be read at all; its text is one line naming file, line and reason."""


@dataclass(frozen=True)
class Document:
    """A YAML mapping read from ``path``: plain values, and the line (from 1) of each key path."""

    path: Path
    data: dict[str, Any]
    lines: dict[KeyPath, int]
    problems: list[str] = field(default_factory=list)

    def line(self, key: KeyPath) -> int:
        """Line of ``key``, or of the nearest enclosing key that stands in the file."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)

    def problem(self, key: KeyPath, message: str) -> str:
        """Return ``file:line: key.path: message``."""
        return f"{self.path}:{self.line(key)}: {dotted(key)}: {message}"


def dotted(key: KeyPath) -> str:
    """Write a key path as ``agents[3].schedule.timezone``; the whole file is ``(file)``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
    return text.removeprefix(".") or "(file)"


def read_document(path: Path) -> Document:
    """Read the YAML mapping in ``path``.

    Keys given twice, and keys that are not text, are noted in ``problems``.

    Raises:
        DocumentError: no such file, not UTF-8, not YAML, empty, or not a mapping at the top.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DocumentError(f"{path}:1: (file): file not found") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"{path}:1: (file): cannot be read: {error}") from error
    try:
        return _parse(path, text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DocumentError(f"{path}:{line}: (file): not valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise DocumentError(f"{path}:1: (file): not valid YAML: {reason}") from error


def _parse(path: Path, text: str) -> Document:
    loader = _CoreLoader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            raise DocumentError(f"{path}:1: (file): must be a mapping at the top, got nothing")
        if not isinstance(root, yaml.MappingNode):
            kind = "list" if isinstance(root, yaml.SequenceNode) else "single value"
            place = f"{path}:{root.start_mark.line + 1}"
            raise DocumentError(f"{place}: (file): must be a mapping at the top, got a {kind}")
        builder = _Builder(loader)
        document = Document(path, builder.build(root, ()), builder.lines)
    finally:
        loader.dispose()
    document.problems.extend(document.problem(key, why) for key, why in builder.problems)
    return document


class _CoreLoader(yaml.CSafeLoader):
    """Safe loader that gives a plain scalar a type only where YAML 1.2's core schema does.

    It parses by libyaml, which PyYAML's wheels bring along: ten times as fast as in Python.
    """


_CoreLoader.yaml_implicit_resolvers = {}
for _name, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"null|Null|NULL|~|", ["n", "N", "~", ""]),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", "-+0123456789"),
    ("merge", r"<<", "<"),
):
    _CoreLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}", re.compile(rf"^(?:{_pattern})$"), list(_first)
    )


class _Builder:
    """Turns YAML nodes into plain values, noting the line of every key path on the way."""

    def __init__(self, loader: _CoreLoader) -> None:
        self._loader = loader
        self._open: list[yaml.Node] = []
        self.lines: dict[KeyPath, int] = {}
        self.problems: list[tuple[KeyPath, str]] = []

    def build(self, node: yaml.Node, key: KeyPath) -> Any:
        self.lines[key] = node.start_mark.line + 1
        if any(node is ancestor for ancestor in self._open):
            raise yaml.MarkedYAMLError(None, None, "an alias contains itself", node.start_mark)
        self._open.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, key)
            if isinstance(node, yaml.SequenceNode):
                return [self.build(child, (*key, i)) for i, child in enumerate(node.value)]
            return self._loader.construct_object(node)
        finally:
            self._open.pop()

    def _mapping(self, node: yaml.MappingNode, key: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for base in self._bases(node):
            result = {**self.build(base, key), **result}
        own: dict[str, int] = {}
        for name_node, value_node in node.value:
            if name_node.tag == _MERGE_TAG:
                continue
            if not isinstance(name_node, yaml.ScalarNode):
                mark = name_node.start_mark
                raise yaml.MarkedYAMLError(None, None, "keys must be plain text", mark)
            name = str(name_node.value)
            if name_node.tag != "tag:yaml.org,2002:str":
                self.problems.append((key, f"keys must be text, got {name}; put it in quotes"))
            if name in own:
                self.problems.append(((*key, name), f"key given twice, first on line {own[name]}"))
            result[name] = self.build(value_node, (*key, name))
            own[name] = self.lines[*key, name] = name_node.start_mark.line + 1
        return result

    def _bases(self, node: yaml.MappingNode) -> Iterator[yaml.MappingNode]:
        for name_node, value_node in node.value:
            if name_node.tag != _MERGE_TAG:
                continue
            listed = isinstance(value_node, yaml.SequenceNode)
            for base in value_node.value if listed else [value_node]:
                if not isinstance(base, yaml.MappingNode):
                    mark = base.start_mark
                    raise yaml.MarkedYAMLError(None, None, "<< needs a mapping", mark)
                yield base
