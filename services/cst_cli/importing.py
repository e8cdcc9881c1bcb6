"""``cst import``: history from a file, with progress, a report of bad rows, and a summary."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from app.system import prepare
from cst_cli.context import settings_for
from cst_core.errors import ConfigError
from cst_core.settings import Settings, load_settings
from cst_intake.domain.imports import FORMATS, FileProblem, Format, Reference, read_table
from cst_intake.importing import Importer, Rejected, Tally
from cst_process.core import open_core
from cst_process.garbage import collect_less

GZIP_MAGIC = b"\x1f\x8b"
#: Seconds between lines of progress where there is no terminal.
PLAIN_EVERY_S = 5.0

HELP = """Import requests that another system has handled, with their own times.

Each row becomes a request with one `imported` event. Rows that are stored already are skipped, so
the same file may be imported again, for example after a stop in the middle. Bad rows go to a report
with line, column, value and reason (the first one of each row); the rest is imported.

\b
boston  Boston's open data of 311 requests; needs CST_CITY=boston. Times are local: one that
        occurs twice when clocks go back is the first of the two, one that is skipped when
        they go forward counts on from the offset before.
csv     any system's history, UTF-8, with a header line that names the columns:
          id           the other system's own id of the request
          category     code of a category of the city, or one of its source_types
          description  what it was about
          created_at   times are ISO 8601 with an offset, e.g. 2026-03-02T15:00:00-05:00
          closed_at    empty while it is open                                  (optional)
          due_at       when it was promised; empty where nothing was           (optional)
          lon, lat     WGS 84 degrees; both empty where nobody knows the place (optional)
          address      as text                                                 (optional)
          source       name of the other system, `csv` where empty             (optional)
        Other columns are ignored. An id must be unique within its source.
"""


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("import", help=HELP)
    def import_file(
        file: Annotated[Path, typer.Argument(help=".csv or .csv.gz")],
        format: Annotated[str, typer.Option(help=f"one of: {', '.join(FORMATS)}")],
        batch: Annotated[int, typer.Option(min=1, max=1000, help="rows in a transaction")] = 100,
        report: Annotated[
            Path | None, typer.Option(help="for bad rows; default: <name>.rejected.csv here")
        ] = None,
        every: Annotated[int, typer.Option(min=1, help="take every so-many-th row")] = 1,
    ) -> None:
        fmt = _format(format)
        report = report or Path(
            f"{file.name.removesuffix('.gz').removesuffix('.csv')}.rejected.csv"
        )
        if report.exists() and file.exists() and report.samefile(file):
            raise ConfigError(f"--report {report}: this is the file to import")
        with open_source(file) as source, RejectFile(report) as rejects:
            asyncio.run(_import(source, fmt, rejects, batch=batch, every=every))


def _format(name: str) -> Format:
    fmt = FORMATS.get(name)
    if fmt is None:
        raise ConfigError(f"--format {name}: no such format; allowed: {', '.join(FORMATS)}")
    city = load_settings(Settings).city
    if fmt.city not in (None, city):
        raise ConfigError(f"--format {name} needs CST_CITY={fmt.city}, but it is {city}")
    return fmt


async def _import(
    source: SourceFile, fmt: Format, rejects: RejectFile, *, batch: int, every: int
) -> None:
    with source.explaining():
        rows = read_table(source.lines(), fmt, every=every)
    settings = settings_for(Settings, "import")
    await prepare(settings)
    started = time.monotonic()
    async with open_core(settings, "import") as core:
        reference = Reference(await core.catalog.get())
        collect_less()
        bar, show = _progress(source)
        importer = Importer(core, fmt, reference, reject=rejects.add, progress=show)
        try:
            with bar, source.explaining():
                await importer.run(rows, batch=batch)
        finally:
            seconds = time.monotonic() - started
            typer.echo(_summary(importer.tally, seconds, rejects))


def _summary(tally: Tally, seconds: float, rejects: RejectFile) -> str:
    rate = tally.read / seconds if seconds else 0.0
    where = f" (see {rejects.path})" if tally.rejected else ""
    return f"{_counts(tally)}{where} in {seconds:.1f} s, {rate:,.0f} rows/s"


def _counts(tally: Tally) -> str:
    return (
        f"{tally.read} read, {tally.imported} imported, {tally.known} already there, "
        f"{tally.rejected} rejected"
    )


class SourceFile:
    """A file of rows, plain or compressed, read line by line."""

    def __init__(self, path: Path, raw: BinaryIO, size: int) -> None:
        self._path = path
        self._raw = raw
        self._compressed = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        raw.seek(0)
        self.size = size
        if size and path.suffix == ".gz" and not self._compressed:
            raise ConfigError(f"{path}: is not gzip data, though its name says so")

    @property
    def position(self) -> int:
        """Bytes read of ``size``."""
        return self._raw.tell()

    def lines(self) -> Iterator[str]:
        """Yield the lines; bytes that are no UTF-8 become lone surrogates."""
        binary = gzip.GzipFile(fileobj=self._raw) if self._compressed else self._raw
        # The mark that some programs put before UTF-8 is no part of the first column's name.
        yield from io.TextIOWrapper(
            binary, encoding="utf-8-sig", errors="surrogateescape", newline=""
        )

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Turn what is wrong with the file as a whole into one line.

        Raises:
            ConfigError: that line.
        """
        try:
            yield
        except FileProblem as problem:
            raise ConfigError(f"{self._path}: {problem}") from None
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ConfigError(
                f"{self._path}: the compressed data is damaged or cut off: {error}"
            ) from None


@contextmanager
def open_source(path: Path) -> Iterator[SourceFile]:
    """Open a file of rows.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        raw = path.open("rb")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    with raw:
        yield SourceFile(path, raw, path.stat().st_size)


class RejectFile:
    """The report of rows that were not imported; gone at the end where there were none."""

    HEADER = ("line", "column", "value", "reason")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._count = 0

    def __enter__(self) -> RejectFile:
        try:
            self._file = self.path.open(
                "w", encoding="utf-8", errors="backslashreplace", newline=""
            )
        except OSError as error:
            raise ConfigError(
                f"--report {self.path}: cannot be written: {error.strerror}"
            ) from None
        self._writer = csv.writer(self._file)
        self._writer.writerow(self.HEADER)
        return self

    def add(self, rejected: Rejected) -> None:
        """Write one row's problem."""
        problem = rejected.problem
        self._writer.writerow((rejected.line, problem.column, problem.value, problem.reason))
        self._count += 1

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if not self._count:
            self.path.unlink()


def _progress(
    source: SourceFile,
) -> tuple[AbstractContextManager[object], Callable[[Tally], None]]:
    """Return what shows progress, and how it is told: a bar on a terminal, elsewhere lines."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return nullcontext(), _PlainProgress()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=console)
    task = bar.add_task("0 read", total=source.size)
    return bar, lambda tally: bar.update(
        task, completed=source.position, description=_counts(tally)
    )


class _PlainProgress:
    def __init__(self) -> None:
        self._next = time.monotonic() + PLAIN_EVERY_S

    def __call__(self, tally: Tally) -> None:
        if time.monotonic() >= self._next:
            typer.echo(_counts(tally), err=True)
            self._next = time.monotonic() + PLAIN_EVERY_S
