"""What a stack remembers between commands: where it runs and on which ports."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field
from typing import Literal

from cst_stack.home import Home
from cst_stack.processes import write_atomically

EmbeddedBroker = Literal["tansu", "kafka"]
Broker = EmbeddedBroker | Literal["external"]

log = logging.getLogger("cst.stack")


@dataclass(frozen=True)
class Endpoints:
    """Where the services find their database and their broker."""

    mongo_uri: str
    mongo_db: str
    kafka_bootstrap_servers: str
    broker: Broker


@dataclass(frozen=True)
class StackState:
    """Content of ``stack.json``: the last endpoints, and the port each part had last."""

    endpoints: Endpoints | None = None
    ports: dict[str, int] = field(default_factory=dict)


def load_state(home: Home) -> StackState:
    """Read ``stack.json``; an absent or unreadable one counts as empty."""
    try:
        raw = json.loads(home.state_file.read_bytes())
        endpoints = raw["endpoints"]
        return StackState(Endpoints(**endpoints) if endpoints else None, dict(raw["ports"]))
    except FileNotFoundError:
        return StackState()
    except (ValueError, TypeError, KeyError):
        log.warning("ignored %s: it cannot be read", home.state_file)
        return StackState()


def save_state(home: Home, state: StackState) -> None:
    """Write ``stack.json``."""
    write_atomically(home.state_file, json.dumps(asdict(state), indent=2) + "\n")
