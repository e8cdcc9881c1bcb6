"""The file through the real system: import, relay, SLA and geo workers, each its own process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boston_csv import EVERY, SNAPSHOT_END, TIMEOUT, BostonFile

from cst_mongo.client import Database, open_database
from cst_relay.request_events import RequestEvents
from cst_stack import Endpoints
from cst_testkit.waiting import wait_until

#: The clock stands still where the snapshot ends.
CLOCK = f"{SNAPSHOT_END.isoformat()}@0"
SECRET = "a test's signing key, 32 characters or more"
#: Events that the relay has sent when it is killed.
KILL_AT = 500


@dataclass(frozen=True)
class BostonRun:
    """A finished run.

    Attributes:
        environ: settings of its processes.
        summary: what the import printed last.
        stored_at_kill: requests that were stored when the relay was killed.
    """

    file: BostonFile
    db: Database
    environ: dict[str, str]
    home: Path
    topic_prefix: str
    kafka: str
    summary: str
    stored_at_kill: int

    def cst(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of CST to its end."""
        return subprocess.run(
            [sys.executable, "-m", "cst_cli", *arguments],
            env=self.environ,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )

    async def by_source(self, projection: dict[str, int]) -> dict[str, dict[str, Any]]:
        """Return parts of every request by the city's own id."""
        cursor = self.db["service_requests"].find({}, {"source.id": 1, **projection})
        return {row["source"]["id"]: row async for row in cursor}

    async def kpis_by_source(self) -> dict[str, dict[str, Any]]:
        """Return ``computed_kpis`` of every request by the city's own id."""
        cursor = self.db["performance_logs"].find({}, {"request_id": 1, "computed_kpis": 1})
        kpis = {log["request_id"]: log["computed_kpis"] async for log in cursor}
        requests = await self.by_source({"_id": 1})
        return {source: kpis[row["_id"]] for source, row in requests.items()}


@asynccontextmanager
async def running_boston(
    file: BostonFile, stack: Endpoints, home: Path
) -> AsyncIterator[BostonRun]:
    """Import the file while the workers follow, kill the relay on the way, and wait for the end."""
    name = f"boston-{os.urandom(4).hex()}"
    environ = _environ(file, stack, home, name)
    async with open_database(stack.mongo_uri, name, app="test") as db:
        with ExitStack() as processes:
            start = _Starter(environ, home, processes)
            relay = start("relay", "run", "relay")
            start("sla", "run", "sla-worker")
            start("geo", "run", "geo-worker")
            imports = start(
                "import",
                *("import", str(file.path), "--format", "boston", "--every", str(EVERY)),
            )
            await wait_until(lambda: _sent(db, KILL_AT), 120, "the relay to send")
            stored_at_kill = await db["service_requests"].count_documents({})
            assert imports.poll() is None, f"the import has ended: {start.tail('import')}"
            relay.send_signal(signal.SIGKILL)
            start("relay-again", "run", "relay")
            await wait_until(lambda: imports.poll() is not None, TIMEOUT, "the import to end")
            assert imports.returncode == 0, start.tail("import")
            await _caught_up(db, len(file.rows))
            yield BostonRun(
                file=file,
                db=db,
                environ=environ,
                home=home,
                topic_prefix=environ["CST_TOPIC_PREFIX"],
                kafka=stack.kafka_bootstrap_servers,
                summary=start.tail("import"),
                stored_at_kill=stored_at_kill,
            )
        await db.client.drop_database(name)


def _environ(file: BostonFile, stack: Endpoints, home: Path, name: str) -> dict[str, str]:
    own = {
        "MONGO_URI": stack.mongo_uri,
        "MONGO_DB": name,
        "KAFKA_BOOTSTRAP_SERVERS": stack.kafka_bootstrap_servers,
        "CST_KAFKA_IDEMPOTENT": "0" if stack.broker == "tansu" else "1",
        "CST_TOPIC_PREFIX": f"{name}.",
        "CST_CITY": "boston",
        "CST_BOSTON_ZONES": str(file.zones_path),
        "CST_CLOCK": CLOCK,
        "CST_HOME": str(home),
        "CST_AUTH_SECRET": SECRET,
    }
    return {**os.environ, **own}


class _Starter:
    """Starts processes of CST that end with ``processes``, each with its output in a file."""

    def __init__(self, environ: dict[str, str], home: Path, processes: ExitStack) -> None:
        self._environ = environ
        self._home = home
        self._processes = processes

    def __call__(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        return self._processes.enter_context(self._running(name, arguments))

    @contextmanager
    def _running(self, name: str, arguments: tuple[str, ...]) -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "cst_cli", *arguments]
        with self._output(name).open("wb") as output:
            process = subprocess.Popen(
                command, env=self._environ, cwd=self._home, stdout=output, stderr=output
            )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def tail(self, name: str) -> str:
        """Return the last line that a process wrote."""
        lines = self._output(name).read_text().splitlines()
        return lines[-1] if lines else "(nothing)"

    def _output(self, name: str) -> Path:
        return self._home / f"{name}.log"


async def _sent(db: Database, count: int) -> bool:
    row = await db["relay_checkpoints"].find_one({"_id": RequestEvents.name}) or {}
    return bool(row.get("sent", 0) >= count)


async def _caught_up(db: Database, requests: int) -> None:
    async def has_all(name: str) -> bool:
        # The estimate costs nothing but counts what is not committed yet, too.
        estimate = await db[name].estimated_document_count()
        return estimate >= requests and await db[name].count_documents({}) == requests

    async def followed() -> bool:
        return await has_all("geo_points") and await has_all("consumer_marks")

    async def fired() -> bool:
        return not await db["sla_clocks"].find_one({"next_due_at": {"$lte": SNAPSHOT_END}})

    await wait_until(followed, TIMEOUT, f"geo-analytics and SLA to follow {requests} requests")
    await wait_until(fired, TIMEOUT, "every breach to be declared")
