"""A decision among many agents beside one among a hundredth of them.

``python -m tests.bench.dispatch --rows 20000``. All agents are on shift, fit the job and have room;
then the same with all of them at home, so that the request is deferred. Each decision is a
transaction with its reservation and its events. Beside it: what a decision touches, by explain.
"""

from __future__ import annotations

import random
import statistics
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from tests.bench.common import prepared, rounds_for, run_bench

from app.system import prepare
from cst_core.clock import Clock
from cst_dispatch.choosing import Chooser
from cst_dispatch.repository import DispatchRepository
from cst_dispatch.service import Attempt, DispatchService
from cst_mongo.transactions import transact
from cst_process.core import Core, open_core
from cst_stack import Endpoints
from cst_testkit.crews import ALWAYS, person, scattered, staff_only, store_triaged

FEW, MANY = 50, 5000
WARM_UP = 20
DAY = [{"day": shift["day"], "start": "08:00", "end": "16:00"} for shift in ALWAYS[::2]]


@dataclass
class City:
    """Agents, requests that wait for them, and the seconds that decisions took."""

    core: Core
    agents: int
    ids: list[str]
    seconds: dict[str, list[float]] = field(default_factory=dict)

    async def decide(self, title: str, core: Core, count: int) -> None:
        """Decide ``count`` requests one after the other by the clock of ``core``."""
        service = DispatchService(core, Chooser(core))
        taken = self.seconds.setdefault(title, [])
        for number in range(WARM_UP + count):
            request_id, attempt = self.ids.pop(), Attempt()
            start = time.perf_counter()
            await transact(
                core.db,
                lambda session, request_id=request_id, attempt=attempt: service.assign(
                    request_id, session, attempt
                ),
            )
            if number >= WARM_UP:
                taken.append(time.perf_counter() - start)

    async def explain(self) -> None:
        """Print what looking for the least loaded touches."""
        repository = DispatchRepository(self.core.db)
        ids = await self.core.db["service_agents"].distinct("_id", {"active": True})
        plan = await repository.least_loaded(frozenset(ids), ["roads"]).limit(32).explain()
        stats = plan["executionStats"]
        print(
            f"  {self.agents:,} agents: the look examines {stats['totalKeysExamined']:,} keys and "
            f"{stats['totalDocsExamined']:,} agents; whole scan: {'COLLSCAN' in str(plan)}, "
            f"sorted in memory: {'SORT' in _stages(plan['queryPlanner']['winningPlan'])}"
        )


def _stages(node: Any) -> set[str]:
    """Return the stages of a plan."""
    if isinstance(node, list):
        return set[str]().union(*map(_stages, node))
    if not isinstance(node, dict):
        return set()
    own = {node["stage"]} if "stage" in node else set()
    return own.union(*map(_stages, node.values()))


async def _city(core: Core, agents: int, requests: int) -> City:
    rng = random.Random(agents)
    schedule = {"timezone": "America/New_York", "shifts": DAY, "on_call": False}
    crews = [
        person(number, schedule=schedule, position=scattered(rng), capacity=20)
        for number in range(agents)
    ]
    await staff_only(core.db, crews)
    return City(core, agents, await store_triaged(core.db, requests))


def _at(core: Core, hours: float) -> Core:
    """Return the core at an hour of New York's winter days."""
    noon = Clock().now().replace(hour=17, minute=0, second=0, microsecond=0)
    at = noon + timedelta(hours=hours - 12)
    return replace(core, clock=Clock(start=at, rate=0, anchor=at))


def _report(cities: list[City]) -> None:
    for title in cities[0].seconds:
        print(f"\n{title}")
        for city in cities:
            taken = city.seconds[title]
            p50, p99 = statistics.median(taken), statistics.quantiles(taken, n=100)[98]
            base = statistics.quantiles(cities[0].seconds[title], n=100)[98]
            print(
                f"  {city.agents:>5,} agents: p50 {p50 * 1000:6.1f} ms, p99 {p99 * 1000:6.1f} ms"
                f"   x{p99 / base:.2f}"
            )


async def _run(stack: Endpoints, rows: int) -> None:
    settings = await prepared(stack)
    rounds = rounds_for(rows)
    count = max(10, min(rows, 20_000) // 80)
    cities = []
    async with AsyncExitStack() as opened:
        for agents in (FEW, MANY):
            own = settings.model_copy(update={"mongo_db": f"bench_dispatch_{agents}"})
            await prepare(own)
            core = await opened.enter_async_context(open_core(own, "bench"))
            cities.append(await _city(core, agents, 2 * rounds * (count + WARM_UP)))
            await cities[-1].explain()
        for _ in range(rounds):
            for city in cities:
                await city.decide("assigned at noon", _at(city.core, 12), count)
            for city in cities:
                await city.decide("deferred at midnight", _at(city.core, 0), count)
    _report(cities)


if __name__ == "__main__":
    run_bench(__doc__, _run)
