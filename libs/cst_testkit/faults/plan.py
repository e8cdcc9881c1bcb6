"""Which faults, in which order, on what: a pure function of the seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: Kinds of faults and how often each is drawn.
PROCESS = {"kill": 6, "pause": 4}
DATABASE = {"mongod_kill": 1, "mongod_restart": 1, "step_down": 3}
BROKER = {"broker_kill": 1, "broker_restart": 1}
NETWORK = {"cut": 3, "delay": 2, "refuse": 2}
RECORDS = {"duplicate": 3, "malformed": 3}
#: How long a fault of a kind lasts, in seconds; others are over at once.
SECONDS = {
    "pause": (0.5, 8.0),
    "mongod_kill": (0.0, 2.0),
    "mongod_restart": (0.0, 2.0),
    "broker_kill": (0.0, 2.0),
    "broker_restart": (0.0, 2.0),
    "delay": (1.0, 4.0),
    "refuse": (0.5, 4.0),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        number: its place in the plan, from 1.
        kind: what is done.
        target: a process, a link, ``mongod``, ``broker`` or ``topic``.
        seconds: how long it lasts, or how long what was killed stays down.
        seed: for what else is drawn when it is done.
    """

    number: int
    kind: str
    target: str
    seconds: float
    seed: int

    def __str__(self) -> str:
        lasting = f" {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.number:3} {self.kind} {self.target}{lasting}"


def make_plan(
    seed: int,
    count: int,
    kinds: Mapping[str, int],
    *,
    processes: Sequence[str],
    links: Sequence[str],
) -> list[Fault]:
    """Return ``count`` faults of ``kinds`` (weights); every kind occurs where ``count`` allows."""
    rng = random.Random(seed)
    drawn = [*kinds, *rng.choices(list(kinds), list(kinds.values()), k=max(0, count - len(kinds)))]
    drawn = drawn[:count]
    rng.shuffle(drawn)
    fixed = dict.fromkeys(DATABASE, "mongod") | dict.fromkeys(BROKER, "broker")
    fixed |= dict.fromkeys(RECORDS, "topic")
    faults = []
    for number, kind in enumerate(drawn, 1):
        target = fixed.get(kind) or rng.choice(processes if kind in PROCESS else links)
        seconds = round(rng.uniform(*SECONDS.get(kind, (0.0, 0.0))), 1)
        faults.append(Fault(number, kind, target, seconds, rng.getrandbits(32)))
    return faults
