"""A stack in containers, by testcontainers, where a Docker engine answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import docker
import docker.errors
import pytest
from testcontainers.core.container import DockerContainer

from cst_stack import Endpoints
from cst_stack.kafka import server_settings
from cst_stack.kafka_probe import broker_info
from cst_stack.logtail import last_meaningful_line
from cst_stack.ports import LOOPBACK, free_port
from cst_stack.replica_set import (
    REPLICA_SET,
    answers,
    direct_client,
    embedded_uri,
    is_primary,
    join,
)
from cst_testkit.waiting import poll_until

START_SECONDS = 120.0
MONGO_DB = "cst"


@contextmanager
def container_stack() -> Iterator[Endpoints]:
    """Run MongoDB and Apache Kafka in containers of their own.

    The images are those named by ``CST_MONGO_IMAGE`` and ``CST_KAFKA_IMAGE``. Skips the test
    where no engine answers. Raises ``AssertionError`` if a server is not ready in time; the
    containers are removed in any case.
    """
    _require_engine()
    mongo_port, kafka_port = free_port(), free_port()
    with ExitStack() as running:
        mongo = running.enter_context(_mongo(mongo_port))
        kafka = running.enter_context(_kafka(kafka_port))
        _await_mongo(mongo, mongo_port)
        _await(kafka, lambda: broker_info(kafka_port) is not None)
        yield Endpoints(embedded_uri(mongo_port), MONGO_DB, f"{LOOPBACK}:{kafka_port}", "external")


def _require_engine() -> None:
    try:
        client = docker.from_env(timeout=5)
        client.ping()
        client.close()
    except docker.errors.DockerException as error:
        pytest.skip(f"CST_STACK=containers needs a Docker engine, and none answers: {error}")


def _mongo(port: int) -> DockerContainer:
    # One number inside and outside: the replica set hands its member's address to clients.
    image = os.environ.get("CST_MONGO_IMAGE", "mongo:7")
    command = ["mongod", f"--port={port}", f"--replSet={REPLICA_SET}", "--bind_ip_all"]
    return DockerContainer(image).with_command(command).with_bind_ports(port, port)


def _kafka(port: int) -> DockerContainer:
    image = os.environ.get("CST_KAFKA_IMAGE", "apache/kafka:4.3.1")
    settings = server_settings(Path("/tmp/kafka-logs"), port, port + 1, listen_on="0.0.0.0")
    environ = {f"KAFKA_{key.upper().replace('.', '_')}": settings[key] for key in settings}
    return DockerContainer(image).with_envs(**environ).with_bind_ports(port, port)


def _await_mongo(container: DockerContainer, port: int) -> None:
    with direct_client(port) as client:
        _await(container, lambda: answers(client))
        join(client, f"{LOOPBACK}:{port}")
        _await(container, lambda: is_primary(client))


def _await(container: DockerContainer, ready: Callable[[], bool]) -> None:
    def ready_or_ended() -> bool:
        container.reload()
        if container.status == "exited":
            log = b"".join(container.get_logs()).decode(errors="replace")
            raise AssertionError(
                f"the container of {container.image} ended: {last_meaningful_line(log)}"
            )
        return ready()

    poll_until(ready_or_ended, START_SECONDS, f"the container of {container.image} to serve")
