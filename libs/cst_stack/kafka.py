"""Apache Kafka in KRaft mode, one node that is broker and controller."""

from __future__ import annotations

import base64
import subprocess
import uuid
from pathlib import Path

from cst_stack.errors import StackError
from cst_stack.kafka_jars import KAFKA_FOLDER, fetch_jars, find_java
from cst_stack.kafka_probe import broker_info
from cst_stack.part import Part
from cst_stack.ports import LOOPBACK, free_port
from cst_stack.processes import write_atomically

NEEDED_MIB = 256
START_SECONDS = 60.0
FORMAT_SECONDS = 60.0
# The first two make it start in half the time on a small machine; the heap suits a test or a
# small installation.
JVM_FLAGS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m", "-Xms128m")


class Kafka(Part):
    """The real broker as a part of the stack; its data survives a restart."""

    name = "kafka"
    port_setting = "CST_KAFKA_PORT"
    default_port = 19092
    stop_seconds = 30.0
    #: Where clients are told to come, when that is not the port it listens on (a proxy's).
    advertised_port: int | None = None

    def _launch(self, port: int) -> None:
        java = find_java()
        class_path = f"{fetch_jars()}/*"
        self.home.require_free_space(NEEDED_MIB, self.name)
        folder = self.home.data / "kafka"
        properties = self.home.root / "kafka.properties"
        # Only the node itself uses the controller's port, so any free one will do.
        settings = server_settings(folder, port, free_port(), advertised_port=self.advertised_port)
        write_atomically(properties, "".join(f"{key}={settings[key]}\n" for key in settings))
        if not (folder / "meta.properties").exists():
            self._format(java, class_path, properties)
        command = [
            java,
            *JVM_FLAGS,
            f"-Dlog4j2.configurationFile={KAFKA_FOLDER / 'log4j2.properties'}",
            "-cp",
            class_path,
            "kafka.Kafka",
            str(properties),
        ]
        record = self.process.spawn(command, port)
        self.process.wait_ready(record, lambda: broker_info(port) is not None, START_SECONDS)

    def _format(self, java: str, class_path: str, properties: Path) -> None:
        command = [java, *JVM_FLAGS, "-cp", class_path, "kafka.tools.StorageTool", "format"]
        command += ["--cluster-id", _new_cluster_id(), "--config", str(properties)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=FORMAT_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise StackError(
                f"Kafka's data folder was not formatted within {FORMAT_SECONDS:.0f} s"
            ) from error
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
            raise StackError(f"Kafka's data folder cannot be formatted: {said[0]}")

    def _describe(self, port: int) -> str | None:
        info = broker_info(port)
        return f"Apache Kafka, cluster {info.cluster_id}" if info else None


def server_settings(
    folder: Path,
    port: int,
    controller_port: int,
    listen_on: str = LOOPBACK,
    advertised_port: int | None = None,
) -> dict[str, str]:
    """Return the broker's configuration for data in ``folder`` and the two ports.

    It listens on the address ``listen_on`` and tells clients to come to the loopback, to
    ``advertised_port`` where it is given.
    """
    internal_topics = ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        # A fixed quorum is read from here at each start; a dynamic one is stored with its port.
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{listen_on}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{advertised_port or port}",
        "log.dirs": str(folder),
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        **{f"{topic}.replication.factor": "1" for topic in internal_topics},
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # The default of 50 partitions each costs seconds and file handles on one node.
        **{f"{topic}.num.partitions": "4" for topic in internal_topics},
    }


def _new_cluster_id() -> str:
    """Return a random UUID in Kafka's own spelling: URL-safe base64 without padding."""
    encoded = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # An argument that begins with a dash would be read as an option.
    return encoded if not encoded.startswith("-") else f"A{encoded[1:]}"
