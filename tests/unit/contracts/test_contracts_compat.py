"""What a change of a schema breaks. The matrix also pins what we need of jsoncompat."""

from __future__ import annotations

from typing import Any

import pytest

from cst_cli.contracts.compat import broken_promises

BACKWARD = "new readers cannot read what was written before"
FORWARD = "readers of before cannot read what is written now"
TEXT: dict[str, Any] = {"type": "string"}


def _schema(
    required: dict[str, Any], optional: dict[str, Any] | None = None, version: int = 1
) -> dict[str, Any]:
    """A closed schema as the generator writes it: the fields stand behind a reference."""
    data = {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:cst:schema:test.v{version}",
        "$defs": {"Data": data},
        "type": "object",
        "properties": {"data": {"$ref": "#/$defs/Data"}},
        "required": ["data"],
        "additionalProperties": False,
    }


def _enum(*values: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


ONE = _schema({"a": TEXT})
MATRIX = {
    "nothing": (ONE, ONE, []),
    "add an optional field": (ONE, _schema({"a": TEXT}, {"b": TEXT}), []),
    "drop an optional field": (_schema({"a": TEXT}, {"b": TEXT}), ONE, []),
    "add a required field": (ONE, _schema({"a": TEXT, "b": TEXT}), [BACKWARD]),
    "drop a required field": (_schema({"a": TEXT, "b": TEXT}), ONE, [FORWARD]),
    "make a field optional": (ONE, _schema({}, {"a": TEXT}), [FORWARD]),
    "make a field required": (_schema({}, {"a": TEXT}), ONE, [BACKWARD]),
    "widen an enumeration": (
        _schema({"a": _enum("x")}),
        _schema({"a": _enum("x", "y")}),
        [FORWARD],
    ),
    "narrow an enumeration": (
        _schema({"a": _enum("x", "y")}),
        _schema({"a": _enum("x")}),
        [BACKWARD],
    ),
    "allow null": (ONE, _schema({"a": {"anyOf": [TEXT, {"type": "null"}]}}), [FORWARD]),
    "change a type": (ONE, _schema({"a": {"type": "integer"}}), [BACKWARD, FORWARD]),
    "rename a field": (ONE, _schema({"b": TEXT}), [BACKWARD, FORWARD]),
    "change the identifier alone": (ONE, _schema({"a": TEXT}, version=2), []),
}


@pytest.mark.parametrize("change", MATRIX)
def test_a_change_breaks_exactly(change: str) -> None:
    before, after, broken = MATRIX[change]
    assert broken_promises(before, after) == broken
