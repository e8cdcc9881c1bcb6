"""The table: its header, the numbers of its lines, and lines that are no rows."""

from __future__ import annotations

from itertools import pairwise

import pytest

from cst_intake.domain.imports import FORMATS, FileProblem, NumberedRow, RowProblem, read_table

HEADER = "id,category,description,created_at\n"
CSV = FORMATS["csv"]


def _problem(row: NumberedRow) -> tuple[int, str, str]:
    assert isinstance(row.row, RowProblem)
    return row.line, row.row.column, row.row.reason


def test_lines_are_numbered_as_an_editor_does() -> None:
    lines = [HEADER, "1,c,plain,t\n", "\n", '2,c,"two\n', 'lines",t\n', "3,c,last,t"]
    rows = list(read_table(lines, CSV))
    assert [row.line for row in rows] == [2, 4, 6]
    assert [row.row["description"] for row in rows if not isinstance(row.row, RowProblem)] == [
        "plain",
        "two\nlines",
        "last",
    ]


def test_columns_come_in_any_order_and_strangers_are_ignored() -> None:
    lines = ["created_at,x, id ,lon,category,description\n", "t,?,1,-74,c,d\n"]
    (row,) = read_table(lines, CSV)
    assert row.row == {
        "id": "1",
        "category": "c",
        "description": "d",
        "created_at": "t",
        "lon": "-74",
    }


def test_rows_that_are_none_do_not_stop_the_rest() -> None:
    lines = [HEADER, "1,c\n", '2,c,"a"b,t\n', "3,c,d,t,e\n", "4,c,d,t\n"]
    *bad, good = read_table(lines, CSV)
    assert [_problem(row)[:2] for row in bad] == [(2, "(row)"), (3, "(row)"), (4, "(row)")]
    assert _problem(bad[0])[2] == "has 2 cells, the header has 4"
    assert "is not CSV" in _problem(bad[1])[2]
    assert good.line == 5


def test_a_quote_that_is_never_closed_costs_one_row() -> None:
    (row,) = read_table([HEADER, '1,c,"open,t\n', "2,c,d,t\n"], CSV)
    assert _problem(row)[:2] == (2, "(row)")


def test_samples_take_every_so_many_th_row() -> None:
    lines = [HEADER, *(f"{n},c,d,t\n" for n in range(20))]
    taken = [row.line for row in read_table(lines, CSV, every=6)]
    assert taken[0] == 2
    assert {later - earlier for earlier, later in pairwise(taken)} == {6}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "is empty"),
        (["\n"], "is empty"),
        (["id,description\n"], "lacks columns of format csv: category, created_at"),
        ([HEADER.replace("\n", ",id\n")], "has columns twice: id"),
        (['"id\n'], "no readable header"),
    ],
)
def test_a_header_that_is_none(lines: list[str], message: str) -> None:
    with pytest.raises(FileProblem, match=message):
        read_table(lines, CSV)
