"""A CSV table as numbered rows: its header is checked at once, its rows one by one."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from cst_intake.domain.imports.fields import RowProblem
from cst_intake.domain.imports.history import Format, Row

if TYPE_CHECKING:
    from _csv import Reader


class FileProblem(Exception):
    """The table as a whole cannot be imported; one line says why."""


class NumberedRow(NamedTuple):
    """A row with the number of its (first) line, or why it cannot be read."""

    line: int
    row: Row | RowProblem


def read_table(lines: Iterable[str], fmt: Format, *, every: int = 1) -> Iterator[NumberedRow]:
    """Read the header now and the rows as they are asked for; empty lines do not count.

    Args:
        lines: of the file, line ends and all.
        fmt: says which columns there must be.
        every: take the first row and every so-many-th after it.

    Raises:
        FileProblem: there is no header, or it lacks columns of the format.
    """
    reader = csv.reader(lines, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise FileProblem(f"has no readable header: {error}") from None
    _check(header, fmt)
    return islice(_rows(reader, header, fmt), 0, None, every)


def _check(header: list[str], fmt: Format) -> None:
    if not header:
        raise FileProblem("is empty: there is no header line")
    if missing := [name for name in fmt.required if name not in header]:
        raise FileProblem(f"lacks columns of format {fmt.name}: {', '.join(missing)}")
    wanted = (*fmt.required, *fmt.optional)
    if twice := [name for name in wanted if header.count(name) > 1]:
        raise FileProblem(f"has columns twice: {', '.join(twice)}")


def _rows(reader: Reader, header: list[str], fmt: Format) -> Iterator[NumberedRow]:
    wanted = [name for name in (*fmt.required, *fmt.optional) if name in header]
    pick = itemgetter(*map(header.index, wanted))
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield NumberedRow(line, RowProblem("(row)", "", f"is not CSV: {error}"))
            continue
        if cells is None:
            return
        if len(cells) == len(header):
            yield NumberedRow(line, dict(zip(wanted, pick(cells), strict=True)))
        elif cells:
            reason = f"has {len(cells)} cells, the header has {len(header)}"
            yield NumberedRow(line, RowProblem("(row)", ",".join(cells), reason))
