"""Start, stop and look at the stack: a database and a broker, embedded unless given."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from cst_stack.errors import PortTakenError, StackError
from cst_stack.external import check_external, check_external_broker
from cst_stack.home import Home
from cst_stack.kafka import Kafka
from cst_stack.mongod import Mongod
from cst_stack.part import Part, PartStatus
from cst_stack.ports import LOOPBACK, free_port, is_free
from cst_stack.replica_set import embedded_uri
from cst_stack.state import Broker, EmbeddedBroker, Endpoints, StackState, load_state, save_state
from cst_stack.tansu import Tansu

PICK_ATTEMPTS = 3

log = logging.getLogger("cst.stack")


@dataclass(frozen=True)
class StackStatus:
    """State of a stack; ``endpoints`` is None unless every part of it is running."""

    parts: list[PartStatus]
    endpoints: Endpoints | None


def up(
    home: Home,
    *,
    broker: EmbeddedBroker = "tansu",
    mongo_uri: str | None = None,
    kafka_bootstrap_servers: str | None = None,
    mongo_db: str = "cst",
    mongo_port: int | None = None,
    kafka_port: int | None = None,
) -> Endpoints:
    """Bring the stack up and return where it is; what is not given is embedded.

    ``broker`` chooses the embedded broker and is not used where ``kafka_bootstrap_servers`` is
    given. A port of None means ``CST_MONGO_PORT`` / ``CST_KAFKA_PORT`` or 27117 / 19092;
    0 means the port this home had last, if it is free, or any free one. What already runs is
    left as it is. Processes calling at the same time wait for each other. Takes seconds, at
    most a few minutes where Kafka's jars are fetched. Raises ``StackError``, and then leaves
    running only what ran before.
    """
    home.prepare()
    with home.lock(), ExitStack() as undo:
        ports = dict(load_state(home).ports)
        if mongo_uri:
            check_external(mongo_uri)
        if kafka_bootstrap_servers:
            check_external_broker(kafka_bootstrap_servers)
        uri = mongo_uri or embedded_uri(_ensure(Mongod(home), mongo_port, ports, undo))
        servers = kafka_bootstrap_servers
        if not servers:
            part = _broker_part(home, broker)
            servers = f"{LOOPBACK}:{_ensure(part, kafka_port, ports, undo)}"
        kind: Broker = "external" if kafka_bootstrap_servers else broker
        endpoints = Endpoints(uri, mongo_db, servers, kind)
        save_state(home, StackState(endpoints, ports))
        undo.pop_all()
        return endpoints


def down(home: Home) -> list[str]:
    """Stop every embedded part within a bounded time and return the names of those stopped.

    The data stays. Raises ``StackError`` if a process cannot be ended.
    """
    if not home.root.exists():
        return []
    home.prepare()
    with home.lock():
        stopped = [part.name for part in (Tansu(home), Kafka(home), Mongod(home)) if part.stop()]
        save_state(home, StackState(None, load_state(home).ports))
        return stopped


def status(home: Home) -> StackStatus:
    """Look at each part of the stack; takes seconds at most, changes nothing."""
    state = load_state(home)
    parts = [_mongo_status(home, state), _broker_status(home, state)]
    running = all(part.running for part in parts)
    return StackStatus(parts, state.endpoints if running else None)


def restart_broker(home: Home) -> Endpoints:
    """Stop and start the embedded broker on its port and return the unchanged endpoints.

    Tansu comes back empty and as another cluster, Apache Kafka with its data. Raises
    ``StackError`` if the stack is not up or its broker is external.
    """
    home.prepare()
    with home.lock():
        endpoints = load_state(home).endpoints
        if endpoints is None:
            raise StackError(f"no stack is up in {home.root}; start it with `cst up`")
        if endpoints.broker == "external":
            raise StackError("the broker is external: restart it where it runs")
        part = _broker_part(home, endpoints.broker)
        part.stop()
        part.start(int(endpoints.kafka_bootstrap_servers.rpartition(":")[2]))
        return endpoints


def _broker_part(home: Home, broker: EmbeddedBroker) -> Part:
    """Return the embedded broker to run; ``StackError`` if the other one runs instead."""
    tansu, kafka = Tansu(home), Kafka(home)
    wanted, other = (tansu, kafka) if broker == "tansu" else (kafka, tansu)
    if other.process.running():
        raise StackError(
            f"the stack in {home.root} runs {other.name}; stop it with `cst down` "
            f"before starting {wanted.name}"
        )
    return wanted


def _ensure(part: Part, port: int | None, ports: dict[str, int], undo: ExitStack) -> int:
    """Start ``part`` unless it runs, note its port in ``ports``, and return the port.

    A part started here is stopped again by ``undo``.
    """
    running = part.serving_port()
    if running is None:
        running = _start(part, _wanted_port(part, port), ports.get(part.name))
        undo.callback(part.stop)
        log.info("%s started on %s:%s", part.name, LOOPBACK, running)
    elif port not in (None, 0, running):
        raise StackError(
            f"{part.name} already runs on port {running}, not {port}; stop it with `cst down` first"
        )
    ports[part.name] = running
    return running


def _wanted_port(part: Part, port: int | None) -> int:
    """Return the port to use, 0 for any."""
    if port is not None:
        return port
    setting = os.environ.get(part.port_setting) or str(part.default_port)
    if not setting.isdigit() or int(setting) > 65535:
        raise StackError(f"{part.port_setting}={setting} is not a port (0 to 65535)")
    return int(setting)


def _start(part: Part, port: int, remembered: int | None) -> int:
    """Start on ``port`` or, where it is 0, on a free one; return the port in use."""
    if port:
        part.start(port)
        return port
    candidate = remembered if remembered and is_free(remembered) else free_port()
    for _ in range(PICK_ATTEMPTS - 1):
        try:
            part.start(candidate)
            return candidate
        except PortTakenError:
            candidate = free_port()
    part.start(candidate)
    return candidate


def _mongo_status(home: Home, state: StackState) -> PartStatus:
    part = Mongod(home)
    uri = state.endpoints.mongo_uri if state.endpoints else None
    if uri is None or uri == embedded_uri(state.ports.get(part.name, 0)):
        return part.status()
    return _external_status(part.name, lambda: check_external(uri))


def _broker_status(home: Home, state: StackState) -> PartStatus:
    kind = state.endpoints.broker if state.endpoints else "tansu"
    if state.endpoints and kind == "external":
        servers = state.endpoints.kafka_bootstrap_servers
        return _external_status("broker", lambda: check_external_broker(servers))
    return (Kafka(home) if kind == "kafka" else Tansu(home)).status()


def _external_status(name: str, check: Callable[[], None]) -> PartStatus:
    try:
        check()
    except StackError as error:
        return PartStatus(name, False, None, None, None, f"external: {error}")
    return PartStatus(name, True, None, None, None, "external: answers")
