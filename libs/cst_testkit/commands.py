"""The ``cst`` command, as operators type it."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

from cst_stack import Endpoints

#: Exit code, output and complaints of a command.
Outcome = tuple[int, str, str]
#: Runs the command with arguments.
Cst = Callable[..., Awaitable[Outcome]]


async def start_cst(environ: Mapping[str, str], folder: Path, *arguments: str) -> Process:
    """Start ``cst ARGUMENTS`` in ``folder``; ``environ`` is all of its environment."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cst_cli", *arguments),
        env=environ,
        cwd=folder,
        stdout=PIPE,
        stderr=PIPE,
    )


async def run_cst(environ: Mapping[str, str], folder: Path, *arguments: str) -> Outcome:
    """Do the same, and wait for the command's end."""
    process = await start_cst(environ, folder, *arguments)
    out, complaints = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), complaints.decode()


def environ_of(stack: Endpoints, database: str, home: Path) -> dict[str, str]:
    """Return the environment of a command over a stack's database, with its state in ``home``."""
    return {
        **os.environ,
        "MONGO_URI": stack.mongo_uri,
        "MONGO_DB": database,
        "KAFKA_BOOTSTRAP_SERVERS": stack.kafka_bootstrap_servers,
        "CST_HOME": str(home),
    }


def command(stack: Endpoints, database: str, home: Path, *group: str) -> Cst:
    """Return what runs ``cst GROUP …`` over a database, in the folder ``home``."""
    return partial(run_cst, environ_of(stack, database, home), home, *group)
