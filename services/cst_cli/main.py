"""The command's entry: its parts, and errors as one line on standard error."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module

import typer
from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError

from cst_core.errors import CstError
from cst_stack import StackError

#: Commands, and the modules that add them.
COMMANDS = {
    "up": "stack",
    "down": "stack",
    "status": "status",
    "run": "run",
    "import": "importing",
    "simulate": "simulate",
    "demo": "demo",
    "token": "token",
}
#: Groups of commands, and where they are declared.
GROUPS = {
    "db": "database:db",
    "city": "database:city",
    "audit": "audit:app",
    "evidence": "evidence:app",
    "relay": "relay:app",
    "sla": "sla:app",
    "topics": "topics:app",
    "dlq": "dlq:app",
    "duplicates": "duplicates:app",
    "feeds": "feeds:app",
    "projections": "projections:app",
    "outbox": "outbox:app",
    "contracts": "contracts:app",
}


def build(arguments: Sequence[str]) -> typer.Typer:
    """Return the command with the part that ``arguments`` ask for, else with all of them.

    Importing all takes most of the time that a command needs to start, and each runs one.
    """
    app = typer.Typer(
        help="Citizen Services Tracker: the backend of a city's 311 service.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    known = COMMANDS.keys() | GROUPS.keys()
    wanted = known & set(arguments[:1]) or known
    for module in dict.fromkeys(COMMANDS[name] for name in COMMANDS if name in wanted):
        import_module(f"cst_cli.{module}").register(app)
    for name in [name for name in GROUPS if name in wanted]:
        module, attribute = GROUPS[name].split(":")
        app.add_typer(getattr(import_module(f"cst_cli.{module}"), attribute), name=name)
    # With one command alone there would be no word for it.
    app.callback()(_nothing)
    return app


def _nothing() -> None:
    """Citizen Services Tracker: the backend of a city's 311 service."""


def main() -> None:
    """Run the command; every failure is one line and an exit code above 0."""
    try:
        build(sys.argv[1:])()
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
