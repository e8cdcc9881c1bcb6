"""The ``cst`` command over a stack, as operators type it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from cst_stack import Endpoints

#: Runs the command with arguments; returns (exit code, output, complaints).
Cst = Callable[..., Awaitable[tuple[int, str, str]]]


def command(stack: Endpoints, database: str, home: Path, *group: str) -> Cst:
    """Return what runs ``cst GROUP …`` over a database, in the folder ``home``."""
    environ = {
        **os.environ,
        "MONGO_URI": stack.mongo_uri,
        "MONGO_DB": database,
        "KAFKA_BOOTSTRAP_SERVERS": stack.kafka_bootstrap_servers,
        "CST_HOME": str(home),
    }

    async def run(*arguments: str) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cst_cli", *group, *arguments),
            env=environ,
            cwd=home,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, complaints = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), complaints.decode()

    return run
