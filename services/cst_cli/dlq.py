"""``cst dlq``: dead letters, and the requests that wait because of them."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import orjson
import typer
from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError

from cst_bus.dead_letter_notes import Decision
from cst_bus.parking import Outcome
from cst_cli.context import with_core
from cst_cli.dead_letter_desk import ID_FORMS, Desk, Letter, Pair, split_id
from cst_cli.dead_letter_rows import letter_row, line, pair_row, skipped_row, whole_letter
from cst_core.errors import Conflict, CstError, InvalidInput

T = TypeVar("T")
Row = dict[str, Any]

app = typer.Typer(help="What could not be handled.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="ID", help=ID_FORMS)]
Consumer = Annotated[str | None, typer.Option(help="of one consumer only")]


@app.callback()
def _group() -> None:
    """What could not be handled."""


@app.command("list")
def list_(
    consumer: Consumer = None,
    request: Annotated[str | None, typer.Option(help="of one request only")] = None,
    everything: Annotated[bool, typer.Option("--all", help="also what is settled")] = False,
    json: Annotated[bool, typer.Option("--json", help="one object a line")] = False,
) -> None:
    """List parked requests, and records that belong to none and were not discarded.

    Exit 1 when the broker does not answer: then the records are missing from the list.
    """

    async def work(desk: Desk) -> tuple[list[Row], str | None]:
        rows = await _pair_rows(desk, consumer)
        if everything:
            rows += [skipped_row(note) for note in await desk.skipped_events()]
        try:
            rows += await _letter_rows(desk, everything)
        except KafkaError as error:
            return rows, f"{type(error).__name__}: {error}"
        return rows, None

    rows, trouble = _at_desk(work)
    for row in rows:
        if consumer in (None, row["consumer"]) and request in (None, row["request_id"]):
            typer.echo(orjson.dumps(row).decode() if json else line(row))
    if trouble is not None:
        typer.echo(f"records of the dead-letter topics are missing here: {trouble}", err=True)
        raise typer.Exit(1)


@app.command()
def show(which: Which) -> None:
    """Show everything about a parked request or a record, as JSON."""

    async def work(desk: Desk) -> Row:
        pair = split_id(which)
        if pair is None:
            return whole_letter(await desk.letter(which))
        return await _whole_pair(desk, await desk.pair(*pair))

    typer.echo(orjson.dumps(_at_desk(work), option=orjson.OPT_INDENT_2).decode())


@app.command()
def retry(
    which: Annotated[str | None, typer.Argument(metavar="[ID]", help=ID_FORMS)] = None,
    consumer: Consumer = None,
    everything: Annotated[bool, typer.Option("--all", help="whatever is parked")] = False,
) -> None:
    """Handle what waits, from the ledger and in order; exit 1 when something fails again."""
    if sum((which is not None, consumer is not None, everything)) != 1:
        raise InvalidInput("give one of: an ID, --consumer NAME, --all")

    async def work(desk: Desk) -> bool:
        if which is not None:
            pairs = [await _retriable(desk, which)]
        else:
            pairs = [pair async for pair in desk.pairs(consumer)]
        # One after the other, and all of them even where one fails.
        return all([await _report(pair, desk.retry(pair)) for pair in pairs])

    if not _at_desk(work):
        raise typer.Exit(1)


@app.command()
def discard(
    which: Which,
    reason: Annotated[str | None, typer.Option(help="kept with the note on it")] = None,
) -> None:
    """Skip the event that a request was parked for and go on, or put a record aside."""
    decision = Decision(_operator(), reason)

    async def work(desk: Desk) -> bool:
        name = split_id(which)
        if name is not None:
            pair = await desk.pair(*name)
            return await _report(pair, desk.discard(pair, decision))
        letter = await desk.letter(which)
        if letter.state == "parked":
            raise Conflict(f"{which}: a request waits for it, discard {_pair_id(letter)} instead")
        if letter.state == "open":
            await desk.put_aside(letter.record, decision)
        typer.echo(f"{which}: {'settled already' if letter.state == 'settled' else 'discarded'}")
        return True

    if not _at_desk(work):
        raise typer.Exit(1)


async def _pair_rows(desk: Desk, consumer: str | None) -> list[Row]:
    rows = []
    async for pair in desk.pairs(consumer):
        waiting = await desk.parking(pair.consumer).count_waiting(pair.request_id, pair.mark)
        rows.append(pair_row(pair, waiting))
    return rows


async def _letter_rows(desk: Desk, everything: bool) -> list[Row]:
    wanted = ("open", "settled", "discarded") if everything else ("open",)
    return [letter_row(letter) async for letter in desk.letters() if letter.state in wanted]


async def _whole_pair(desk: Desk, pair: Pair) -> Row:
    events = await desk.parking(pair.consumer).waiting(pair.request_id, pair.mark)
    letters = [letter async for letter in desk.letters() if _pair_id(letter) == pair.id]
    return pair_row(pair, len(events)) | {
        "events": events,
        "records": [whole_letter(letter) for letter in letters],
    }


async def _retriable(desk: Desk, which: str) -> Pair:
    """Return the pair that an id means; a record means that of its request."""
    name = split_id(which)
    if name is not None:
        return await desk.pair(*name)
    letter = await desk.letter(which)
    record = letter.record
    if record.request_id is not None:
        return await desk.pair(record.consumer, record.request_id)
    if record.consumer.startswith("relay:"):
        raise Conflict(
            f"{which}: it could not be published; once {record.source} is corrected, "
            "`cst relay rebuild` sends it again"
        )
    raise Conflict(f"{which}: no request waits for it, so it can only be discarded")


async def _report(pair: Pair, doing: Awaitable[Outcome]) -> bool:
    """Print what became of a pair; False where it is still parked."""
    try:
        done = await doing
    except (CstError, PyMongoError) as error:
        typer.echo(f"{pair.id}: {' '.join(str(error).split())[:500]}", err=True)
        return False
    skipped = "" if done.skipped is None else f"event {done.skipped} skipped, "
    typer.echo(f"{pair.id}: {skipped}{done.handled} events handled, no longer parked")
    return True


def _pair_id(letter: Letter) -> str:
    return f"{letter.record.consumer}/{letter.record.request_id}"


def _operator() -> str:
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):  # a container's user may have no name
        return socket.gethostname()


def _at_desk(work: Callable[[Desk], Awaitable[T]]) -> T:
    return with_core(lambda core: work(Desk(core)), process="dlq")
