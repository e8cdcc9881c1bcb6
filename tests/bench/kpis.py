"""A KPI report over facts against the same numbers made from the requests on the fly.

``python -m tests.bench.kpis --rows 1000000``. Both by department, with medians.
"""

from __future__ import annotations

import random
import statistics
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

from bson import ObjectId
from tests.bench.common import Round, compare, prepared, rounds_for, run_bench

from cst_city.catalog import Catalog
from cst_core.clock import wall_now
from cst_ledger.ledger import REQUESTS
from cst_process.core import Core, open_core
from cst_sla.domain.facts import fact_of
from cst_sla.domain.kpi_query import KpiQuery
from cst_sla.kpis.repository import FACTS
from cst_sla.kpis.service import KpiService
from cst_stack import Endpoints
from cst_testkit.factories import policy_terms, request_state

BATCH = 5_000
QUERY = KpiQuery(group_by="department")


def _requests(catalog: Catalog, count: int) -> Iterator[dict[str, Any]]:
    """A year of requests, most of them done; only with what both ways read."""
    chance, now = random.Random(count), wall_now()
    categories, zones = list(catalog.categories), list(catalog.zone_names)
    for number in range(count):
        created_at = now - timedelta(minutes=chance.randrange(60 * 24 * 365))
        state = request_state(category=chance.choice(categories))
        state["location"]["zone_id"] = chance.choice(zones)
        state["sla_policy"] = policy_terms()
        state["due_at"] = created_at + timedelta(hours=24)
        state["timestamps"]["created_at"] = created_at
        if chance.random() < 0.9:
            state["status"] = "closed"
            ended = created_at + timedelta(minutes=chance.randrange(60 * 24 * 30))
            state["timestamps"]["resolved_at"] = ended
        yield {"_id": ObjectId(), "request_id": f"CST-2026-{number + 1:07}", **state}


async def _fill(core: Core, catalog: Catalog, count: int) -> None:
    rows = _requests(catalog, count)
    while batch := list(islice(rows, BATCH)):
        await core.db[REQUESTS.name].insert_many(batch, ordered=False)
        facts = [{"_id": row["request_id"], **fact_of(row, catalog)} for row in batch]
        await core.db[FACTS.name].insert_many(facts, ordered=False)


def _from_facts(core: Core) -> Round:
    service = KpiService(core)

    async def work() -> int:
        return (await service.report(QUERY)).totals.requests

    return work


def _on_the_fly(core: Core, catalog: Catalog) -> Round:
    """What a report without facts has to do: read each request, and group in the process."""
    fields = dict.fromkeys(
        ("category", "status", "due_at", "timestamps", "sla_policy.policy_id"), 1
    )

    async def work() -> int:
        minutes = defaultdict[str, list[float]](list)
        met, seen = defaultdict[str, int](int), 0
        async for row in core.db[REQUESTS.name].find({}, fields).batch_size(10_000):
            seen += 1
            department = catalog.categories[row["category"]].department
            resolved_at = row["timestamps"]["resolved_at"]
            if resolved_at is not None:
                span = resolved_at - row["timestamps"]["created_at"]
                minutes[department].append(span.total_seconds() / 60)
                met[department] += resolved_at <= row["due_at"]
        assert all(statistics.median(values) >= 0 for values in minutes.values())
        return seen

    return work


async def _run(stack: Endpoints, rows: int) -> None:
    settings = await prepared(stack)
    async with open_core(settings, "bench") as core:
        catalog = await core.catalog.get()
        await _fill(core, catalog, rows)
        variants = {
            f"on the fly, {rows:,} requests": _on_the_fly(core, catalog),
            f"from facts, {rows:,} rows": _from_facts(core),
        }
        await compare("KPI reports by department", variants, rounds=rounds_for(rows))


if __name__ == "__main__":
    run_bench(__doc__, _run)
