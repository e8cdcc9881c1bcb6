"""Files on disk: compressed or not, whole or not, and the report of what they have wrong."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import pytest

from cst_cli.importing import RejectFile, open_source
from cst_cli.main import main
from cst_core.errors import ConfigError
from cst_intake.domain.imports import RowProblem
from cst_intake.importing import Rejected

TEXT = "id,description\n1,caf\u00e9\n"


def _lines(path: Path) -> list[str]:
    with open_source(path) as source, source.explaining():
        return list(source.lines())


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "rows"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_compression_is_told_by_the_content(tmp_path: Path, name: str, mark: str) -> None:
    path = tmp_path / name
    data = (mark + TEXT).encode()
    path.write_bytes(data if name == "rows.csv" else gzip.compress(data, mtime=0))
    assert "".join(_lines(path)) == TEXT


def test_progress_is_told_in_bytes_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(TEXT.encode() * 1000))
    with open_source(path) as source:
        assert source.position == 0
        for _ in source.lines():
            pass
        assert source.position == source.size == path.stat().st_size


def test_bytes_that_are_no_text_do_not_stop_the_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"id\n1\n\xe9\n2\n")
    assert _lines(path) == ["id\n", "1\n", "\udce9\n", "2\n"]


@pytest.mark.parametrize("keep", [5, 20, -8, -1])
def test_a_compressed_file_that_was_cut_off(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(TEXT.encode() * 1000)[:keep])
    with pytest.raises(ConfigError, match=r"rows\.csv\.gz: the compressed data is damaged"):
        _lines(path)


def test_a_compressed_file_that_was_altered(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    data = bytearray(gzip.compress(TEXT.encode() * 1000))
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ConfigError, match="the compressed data is damaged"):
        _lines(path)


def test_the_report_names_line_column_value_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    with RejectFile(path) as report:
        report.add(Rejected(7, RowProblem("lat", "caf\udce9, \u00e9", "is not UTF-8")))
    assert path.read_text(encoding="utf-8").splitlines() == [
        "line,column,value,reason",
        '7,lat,"caf\\udce9, \u00e9",is not UTF-8',
    ]


def test_without_bad_rows_there_is_no_report(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("of an earlier import")
    with RejectFile(path):
        pass
    assert not path.exists()


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (None, [], "rows.csv.gz: cannot be read: No such file or directory"),
        (b"", [], "rows.csv.gz: is empty: there is no header line"),
        (b"id,category\n", [], "is not gzip data, though its name says so"),
        (gzip.compress(b"", mtime=0), [], "is empty: there is no header line"),
        (
            gzip.compress(b"id,category\n", mtime=0),
            [],
            "lacks columns of format csv: description, created_at",
        ),
        (gzip.compress(b"\0\1\2\n", mtime=0), [], "lacks columns of format csv: id, category"),
        (
            gzip.compress(TEXT.encode(), mtime=0)[:12],
            [],
            "the compressed data is damaged or cut off",
        ),
        (b"", ["--format", "xml"], "--format xml: no such format; allowed: boston, csv"),
        (b"", ["--format", "boston"], "needs CST_CITY=boston, but it is new-york"),
        (b"", ["--report", "rows.csv.gz"], "--report rows.csv.gz: this is the file to import"),
        (b"", ["--report", "no/where.csv"], "cannot be written: No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_imported_is_one_line_and_exit_code_1(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
    options: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CST_CITY", "new-york")
    if content is not None:
        Path("rows.csv.gz").write_bytes(content)
    arguments = ["rows.csv.gz", "--format", "csv", *options]
    monkeypatch.setattr(sys, "argv", ["cst", "import", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("cst: ")
    assert message in line
    assert not Path("rows.rejected.csv").exists()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        _lines(tmp_path)
