from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cst_city.documents import DocumentError, dotted, read_document


def _read(tmp_path: Path, text: str) -> tuple[dict[str, object], dict[str, int]]:
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    document = read_document(path)
    return document.data, {dotted(key): line for key, line in document.lines.items() if key}


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("22:00", "22:00"),
        ("off", "off"),
        ("NO", "NO"),
        ("007", "007"),
        ("2026-01-01", "2026-01-01"),
        ("1_000", "1_000"),
        ("42", 42),
        ("-1.5e3", -1500.0),
        ("true", True),
        ("~", None),
        ("'42'", "42"),
    ],
)
def test_scalars_follow_the_core_schema(tmp_path: Path, scalar: str, value: object) -> None:
    data, _ = _read(tmp_path, f"key: {scalar}\n")
    assert data == {"key": value}
    assert type(data["key"]) is type(value)


def test_every_key_knows_its_line(tmp_path: Path) -> None:
    _, lines = _read(tmp_path, "a: 1\n\nb:\n  - x: 1\n    y: 2\n  - [3,\n     4]\n")
    assert lines == {
        "a": 1,
        "b": 3,
        "b[0]": 4,
        "b[0].x": 4,
        "b[0].y": 5,
        "b[1]": 6,
        "b[1][0]": 6,
        "b[1][1]": 7,
    }


def test_a_merged_key_has_the_line_of_its_anchor_unless_overridden(tmp_path: Path) -> None:
    text = "base: &b\n  x: 1\n  y: 1\nother: &o {y: 3, z: 3}\nc:\n  y: 2\n  <<: [*b, *o]\n"
    data, lines = _read(tmp_path, text)
    assert data["c"] == {"x": 1, "y": 2, "z": 3}
    assert (lines["c.x"], lines["c.y"], lines["c.z"]) == (2, 6, 4)


def test_an_unquoted_number_as_key_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a:\n  7: x\n", encoding="utf-8")
    document = read_document(path)
    assert document.problems == [f"{path}:1: a: keys must be text, got 7; put it in quotes"]


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DocumentError, match="cannot be read"):
        read_document(path)


def test_an_unhashable_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="keys must be plain text"):
        _read(tmp_path, "? [a, b]\n: 1\n")


text = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=20)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(text, plain, max_size=4))
def test_json_is_read_as_json_means_it(tmp_path: Path, data: dict[str, object]) -> None:
    written, _ = _read(tmp_path, json.dumps(data, ensure_ascii=False, indent=1))
    assert written == data
