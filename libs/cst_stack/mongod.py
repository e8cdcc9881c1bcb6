"""mongod as a one-member replica set: transactions and change streams need one."""

from __future__ import annotations

import shutil

from pymongo.errors import PyMongoError

from cst_stack.binaries import from_env, from_wheel
from cst_stack.errors import StackError
from cst_stack.part import Part
from cst_stack.ports import LOOPBACK
from cst_stack.replica_set import REPLICA_SET, answers, direct_client, is_primary, join

# mongod refuses to start its journal with less, and would die later with a long trace.
NEEDED_MIB = 512
START_SECONDS = 60.0
PRIMARY_SECONDS = 60.0


def find_mongod() -> str:
    """Return the path of mongod: ``MONGOD_BIN``, else on PATH, else the wheel's.

    Raises ``StackError`` if there is none.
    """
    found = from_env("MONGOD_BIN") or shutil.which("mongod")
    found = found or from_wheel("fiftyone", "db/bin/mongod")
    if found is None:
        raise StackError(
            "no mongod was found: install MongoDB 6 or later so that mongod is on PATH, "
            "set MONGOD_BIN, install the package fiftyone-db, or set MONGO_URI"
        )
    return found


class Mongod(Part):
    """The embedded database as a part of the stack."""

    name = "mongod"
    port_setting = "CST_MONGO_PORT"
    default_port = 27117
    stop_seconds = 30.0

    def _launch(self, port: int) -> None:
        folder = self.home.data / "mongo"
        self.home.require_free_space(NEEDED_MIB, self.name)
        folder.mkdir(exist_ok=True)
        record = self.process.spawn(_command(find_mongod(), str(folder), port), port)
        with direct_client(port) as client:
            self.process.wait_ready(record, lambda: answers(client), START_SECONDS)
            join(client, f"{LOOPBACK}:{port}")
            self.process.wait_ready(record, lambda: is_primary(client), PRIMARY_SECONDS)

    def _describe(self, port: int) -> str | None:
        try:
            with direct_client(port) as client:
                hello = client.admin.command("hello")
                version = client.admin.command("buildInfo")["version"]
        except PyMongoError:
            return None
        role = "primary" if hello.get("isWritablePrimary") else "not primary"
        return f"MongoDB {version}, replica set {hello.get('setName')}, {role}"


def _command(binary: str, folder: str, port: int) -> list[str]:
    return [
        binary,
        f"--dbpath={folder}",
        f"--port={port}",
        f"--bind_ip={LOOPBACK}",
        "--nounixsocket",
        f"--replSet={REPLICA_SET}",
        "--wiredTigerCacheSizeGB=1",
        # The default is a share of the disk, from 1 GB to 50 GB.
        "--oplogSize=1024",
        "--quiet",
        "--setParameter=diagnosticDataCollectionEnabled=false",
        # What a killed process had begun locks its documents for so long; the default is 60 s.
        "--setParameter=transactionLifetimeLimitSeconds=15",
        # There is no other member to take over, so nobody needs the default 15 s of notice.
        "--setParameter=shutdownTimeoutMillisForSignaledShutdown=100",
    ]
