"""Cells of a row, each read into what it means or refused with its column, value and reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from cst_geo import CoordinateError, validate_lon_lat
from cst_intake.domain.imports.history import Row
from cst_intake.domain.imports.reference import Kind, Reference

#: How much of a wrong value a report shows.
SHOWN = 200


class RowProblem(Exception):
    """A row that cannot be imported: the first thing that is wrong with it."""

    def __init__(self, column: str, value: str, reason: str) -> None:
        super().__init__(f"{column}: {reason}")
        self.column = column
        self.value = value[:SHOWN]
        self.reason = reason


def optional(row: Row, column: str, *, longest: int) -> str | None:
    """Return the cell without the blanks around it, None where it is empty."""
    text = row.get(column, "").strip()
    if not text:
        return None
    if len(text) > longest:
        raise RowProblem(column, text, f"has {len(text)} characters, at most {longest} are allowed")
    # What was no UTF-8 came in as lone surrogates, which can be stored nowhere.
    if not text.isascii() and not text.isprintable() and _has_surrogates(text):
        raise RowProblem(column, text, "is not UTF-8")
    return text


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)


def required(row: Row, column: str, *, longest: int) -> str:
    """Return the cell, which must not be empty."""
    text = optional(row, column, longest=longest)
    if text is None:
        raise RowProblem(column, "", "is blank")
    return text


def moment(row: Row, column: str, read: Callable[[str], datetime]) -> datetime | None:
    """Return the cell as ``read`` understands it, None where it is empty."""
    text = row.get(column, "").strip()
    if not text:
        return None
    try:
        return read(text)
    except ValueError as error:
        raise RowProblem(column, text, str(error)) from None


def required_moment(row: Row, column: str, read: Callable[[str], datetime]) -> datetime:
    """Return the cell as ``read`` understands it; it must not be empty."""
    found = moment(row, column, read)
    if found is None:
        raise RowProblem(column, "", "is blank")
    return found


def category(row: Row, column: str, reference: Reference) -> Kind:
    """Return the category that the cell names."""
    name = required(row, column, longest=SHOWN)
    found = reference.kind(name)
    if found is None:
        close = reference.closest_name(name)
        hint = f"; did it mean {close!r}?" if close else ""
        raise RowProblem(column, name, f"names no category of {reference.city.title}{hint}")
    return found


def location(row: Row, lon_column: str, lat_column: str, reference: Reference) -> dict[str, Any]:
    """Return the ``location`` that two cells say; both empty means that it is not known."""
    lon, lat = row.get(lon_column, "").strip(), row.get(lat_column, "").strip()
    if not lon and not lat:
        point = None
    else:
        point = _number(lon_column, lon), _number(lat_column, lat)
        try:
            validate_lon_lat(*point)
        except CoordinateError as error:
            raise RowProblem(f"{lon_column}, {lat_column}", f"{lon}, {lat}", str(error)) from None
    found = reference.location(point)
    if found is None:
        reason = f"is outside the service area of {reference.city.title}"
        raise RowProblem(f"{lon_column}, {lat_column}", f"{lon}, {lat}", reason)
    return found


def _number(column: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        reason = "is not a number" if text else "is blank, but its counterpart is not"
        raise RowProblem(column, text, reason) from None
