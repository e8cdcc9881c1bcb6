"""Stacks for tests: fresh, on free ports, and gone at the end whatever happened."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from cst_stack import (
    EmbeddedBroker,
    Endpoints,
    Home,
    StackError,
    check_external,
    check_external_broker,
)
from cst_stack import down as stop_stack
from cst_stack import up as start_stack
from cst_testkit.containers import container_stack

KINDS = ("embedded", "kafka", "containers", "external")
HOME_PREFIX = "cst-test-"
OWNER_FILE = "owner.pid"
#: What lives for minutes need not wait for a disk, where so many bytes of memory are left over.
MEMORY, PLENTY = Path("/dev/shm"), 12 << 30


@contextmanager
def running_stack(
    kind: str | None = None, home: Home | None = None, *, in_memory: bool = False
) -> Iterator[Endpoints]:
    """Run a stack for the length of the block and return where it is.

    ``kind`` is ``embedded`` (mongod and Tansu), ``kafka`` (mongod and Apache Kafka),
    ``containers``, or ``external`` (``MONGO_URI`` and ``KAFKA_BOOTSTRAP_SERVERS``); the default
    is ``CST_STACK``, else ``embedded``. ``home`` is for tests that look into the state folder
    of the first two; they get a temporary one otherwise, ``in_memory`` where that has room.
    Raises ``StackError`` if it does not come up and ``ValueError`` for an unknown kind; skips
    where ``containers`` has no engine.
    """
    kind = kind or os.environ.get("CST_STACK") or "embedded"
    if kind not in KINDS:
        raise ValueError(f"CST_STACK is {kind!r}; it must be one of {', '.join(KINDS)}")
    if kind == "containers":
        with container_stack() as endpoints:
            yield endpoints
    elif kind == "external":
        yield _external_stack()
    else:
        broker: EmbeddedBroker = "kafka" if kind == "kafka" else "tansu"
        folder = _folder() if in_memory else Path(tempfile.gettempdir())
        with _embedded_stack(broker, home, folder) as endpoints:
            yield endpoints


@contextmanager
def _embedded_stack(broker: EmbeddedBroker, home: Home | None, folder: Path) -> Iterator[Endpoints]:
    with ExitStack() as undo:
        place = home or undo.enter_context(_temporary_home(folder))
        undo.callback(stop_stack, place)
        yield start_stack(place, broker=broker, mongo_port=0, kafka_port=0)


@contextmanager
def _temporary_home(folder: Path) -> Iterator[Home]:
    _stop_orphans(folder)
    root = Path(tempfile.mkdtemp(prefix=HOME_PREFIX, dir=folder))
    (root / OWNER_FILE).write_text(str(os.getpid()))
    try:
        yield Home(root)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _external_stack() -> Endpoints:
    try:
        mongo_uri = os.environ["MONGO_URI"]
        servers = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
    except KeyError as error:
        raise ValueError(f"CST_STACK=external needs {error.args[0]}") from None
    check_external(mongo_uri)
    check_external_broker(servers)
    return Endpoints(mongo_uri, os.environ.get("MONGO_DB", "cst"), servers, "external")


def _folder() -> Path:
    """Return the folder in memory where there is plenty of it, else the usual one."""
    free = psutil.virtual_memory().available
    if MEMORY.is_dir() and min(free, shutil.disk_usage(MEMORY).free) > PLENTY:
        return MEMORY
    return Path(tempfile.gettempdir())


def _stop_orphans(folder: Path) -> None:
    """Stop the stacks of test runs that were killed before they could do it themselves."""
    for owner in folder.glob(f"{HOME_PREFIX}*/{OWNER_FILE}"):
        # Another user's, or another run cleans up at this moment.
        with suppress(OSError, StackError):
            text = owner.read_text()
            if text.isdigit() and not psutil.pid_exists(int(text)):
                stop_stack(Home(owner.parent))
                shutil.rmtree(owner.parent)


def require_apache_kafka() -> None:
    """Skip the test where Apache Kafka cannot be run, saying what is missing."""
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"Apache Kafka needs {' and '.join(missing)} on PATH")
