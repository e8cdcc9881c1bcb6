"""Everything runs, everything is harmed, and afterwards nothing is lost, twice or out of order."""

from __future__ import annotations

import asyncio

import pytest

from cst_contracts.topics import REQUEST_EVENTS
from cst_stack import Home
from cst_testkit.faults import checks
from cst_testkit.faults.chaos import Chaos, Size, chaos
from cst_testkit.faults.facts import Ledger, read_topic
from cst_testkit.faults.load import Load
from cst_testkit.stacks import require_apache_kafka

#: Seconds that a run may take for each fault, beside what it takes to start and to settle.
PER_FAULT_S, REST_S = 8.0, 300.0


def none(found: list[str], what: str) -> None:
    assert not found, f"{what}: {len(found)}, first {found[:10]}"


async def everything_holds(run: Chaos, load: Load, ledger: Ledger) -> None:
    db = run.core.db
    none(load.problems, "answers that should not have come")
    assert load.answered == load.count
    none(await checks.wrong_keys(db, load.answers), "idempotency keys with other than one request")
    none(await checks.broken_chains(db), "requests whose chain or state does not verify")
    none(checks.repeated_effects(ledger), "effects that happened twice")
    none(await checks.wrong_workloads(db), "agents with a wrong number of open assignments")
    none(await checks.stuck_requests(run.core, ledger), "requests stuck without a reason")
    none(await checks.wrong_duplicates(db), "duplicates that are not their masters'")
    none(await checks.wrong_projections(run.core), "projections that differ from the ledger")


async def topics_hold(run: Chaos, ledger: Ledger) -> None:
    """The topic is the ledger, for whoever reads it, and only what was put in is dead."""
    assert run.vandal is not None
    bootstrap = run.ground.direct.kafka_bootstrap_servers
    for committed in (True, False):
        records = await read_topic(
            bootstrap, REQUEST_EVENTS.name, REQUEST_EVENTS.partitions, committed=committed
        )
        strange = checks.strange_topic(records, ledger, once=committed)
        none(strange, f"records amiss (committed={committed})")
    dead = await read_topic(bootstrap, REQUEST_EVENTS.dlq, 1, committed=True)
    wrong = checks.wrong_dead_letters(run.core, dead, run.vandal.acknowledged)
    none(wrong, "dead letters amiss")


@pytest.mark.kafka
@pytest.mark.chaos
@pytest.mark.timeout(7200)
async def test_nothing_is_lost_twice_or_out_of_order_whatever_dies(home: Home) -> None:
    require_apache_kafka()
    size = Size.from_env(requests=5000, faults=60)
    async with asyncio.timeout(REST_S + PER_FAULT_S * size.faults), chaos(home, "kafka") as run:
        load = await run.run(size)
        ledger = await run.settled()
        await everything_holds(run, load, ledger)
        await topics_hold(run, ledger)


@pytest.mark.chaos
@pytest.mark.timeout(600)
async def test_the_embedded_stack_survives_the_same_on_a_smaller_scale(home: Home) -> None:
    size = Size.from_env(requests=200, faults=10)
    async with asyncio.timeout(REST_S + PER_FAULT_S * size.faults), chaos(home, "tansu") as run:
        load = await run.run(size)
        await everything_holds(run, load, await run.settled())
