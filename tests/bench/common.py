"""What benches share: a stack, alternating rounds, and a table of ratios.

Times differ from machine to machine and from hour to hour, so a bench compares within one run: its
variants take turns, and what is reported is each one's median rate and its ratio to the first.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import time
from argparse import ArgumentParser
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from app.system import prepare
from cst_core.settings import Settings, load_settings
from cst_stack import Endpoints
from cst_testkit.stacks import running_stack

Round = Callable[[], Awaitable[int]]


#: With fewer rows a bench only shows that it runs: it has one round.
FEW = 5_000


def rounds_for(rows: int, usual: int = 5) -> int:
    """Return how many rounds a bench over ``rows`` has."""
    return usual if rows >= FEW else 1


async def compare(title: str, variants: Mapping[str, Round], rounds: int) -> None:
    """Run ``variants`` in turns and report their rates.

    A round does its work and returns how many things it did.
    """
    rates: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, work in variants.items():
            start = time.perf_counter()
            done = await work()
            rates[name].append(done / (time.perf_counter() - start))
    report(title, rates)


def report(title: str, rates: Mapping[str, Sequence[float]]) -> None:
    """Print each variant's median rate, its ratio to the first one's, and how far rates spread."""
    medians = {name: statistics.median(values) for name, values in rates.items()}
    base, rounds = next(iter(medians.values())), len(next(iter(rates.values())))
    print(f"\n{title} (median of {rounds} rounds)")
    for name, rate in medians.items():
        spread = f"{min(rates[name]):,.0f}-{max(rates[name]):,.0f}"
        print(f"  {name:<44}{rate:>10,.0f}/s   x{rate / base:<6.2f} ({spread})")


async def in_parallel(count: int, tasks: int, work: Callable[[int], Awaitable[object]]) -> int:
    """Do ``work(0..count-1)`` in ``tasks`` concurrent tasks; return ``count``."""
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            await work(number)

    await asyncio.gather(*(worker() for _ in range(tasks)))
    return count


async def prepared(stack: Endpoints) -> Settings:
    """Return settings of a New York that is loaded into ``stack``."""
    settings = load_settings(
        Settings,
        MONGO_URI=stack.mongo_uri,
        KAFKA_BOOTSTRAP_SERVERS=stack.kafka_bootstrap_servers,
        CST_KAFKA_IDEMPOTENT="0",
        CST_AUTH_SECRET="bench" * 8,
        CST_CITY="new-york",
    )
    await prepare(settings)
    return settings


def run_bench(
    about: str | None,
    bench: Callable[[Endpoints, int], Coroutine[Any, Any, None]],
    *,
    stack: str = "embedded",
    left_out: str | None = None,
) -> None:
    """Run a bench on a stack of its own; ``--rows`` sets its size (CI takes few, docs many).

    ``left_out`` says why it does not run with few rows.
    """
    parser = ArgumentParser(description=about)
    parser.add_argument("--rows", type=int, default=20_000)
    arguments = parser.parse_args()
    if left_out is not None and arguments.rows < FEW:
        print(f"\nleft out with few rows: {left_out}")
        return
    if stack == "kafka" and not (shutil.which("java") and shutil.which("mvn")):
        print("\nleft out, since Apache Kafka needs java and mvn on PATH")
        return
    with running_stack(stack) as endpoints:
        asyncio.run(bench(endpoints, arguments.rows))
