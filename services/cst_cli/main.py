"""The command's entry: groups, and errors as one line on standard error."""

from __future__ import annotations

import os
import sys
import traceback

import typer
from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError

from cst_cli import (
    audit,
    contracts,
    database,
    demo,
    dlq,
    duplicates,
    evidence,
    importing,
    outbox,
    projections,
    relay,
    run,
    simulate,
    sla,
    stack,
    status,
    token,
    topics,
)
from cst_core.errors import CstError
from cst_stack import StackError

app = typer.Typer(
    help="Citizen Services Tracker: the backend of a city's 311 service.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
stack.register(app)
status.register(app)
run.register(app)
importing.register(app)
simulate.register(app)
demo.register(app)
token.register(app)
app.add_typer(database.db, name="db")
app.add_typer(database.city, name="city")
app.add_typer(audit.app, name="audit")
app.add_typer(evidence.app, name="evidence")
app.add_typer(relay.app, name="relay")
app.add_typer(sla.app, name="sla")
app.add_typer(topics.app, name="topics")
app.add_typer(dlq.app, name="dlq")
app.add_typer(duplicates.app, name="duplicates")
app.add_typer(projections.app, name="projections")
app.add_typer(outbox.app, name="outbox")
app.add_typer(contracts.app, name="contracts")


def main() -> None:
    """Run the command; every failure is one line and an exit code above 0."""
    try:
        app()
    except (CstError, StackError) as error:
        _fail(str(error))
    except (PyMongoError, KafkaError) as error:
        _fail(f"{type(error).__name__}: {str(error).splitlines()[0][:300]}")
    except Exception as error:
        if os.environ.get("CST_DEBUG"):
            traceback.print_exc()
        _fail(f"internal error: {type(error).__name__}: {error} (CST_DEBUG=1 shows where)")


def _fail(text: str) -> None:
    print(f"cst: {text}", file=sys.stderr)
    sys.exit(1)
