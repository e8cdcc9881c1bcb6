"""The swap of a rebuild: whatever dies, and whenever, consumers go on and nothing is lost."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from projections_kit import delivered, emptied, projection, shuffled, stored, stories

from cst_core.errors import Conflict
from cst_geo_analytics.projections.gate import Gate
from cst_geo_analytics.projections.rebuild import GeoProjection
from cst_geo_analytics.projections.stores import BUILT
from cst_mongo.client import Session
from cst_mongo.leases import Leases
from cst_mongo.transactions import TryLater, transact
from cst_process.core import Core
from cst_testkit.apps import Api
from cst_testkit.factories import created_event
from cst_testkit.histories import step
from cst_testkit.waiting import wait_until

PROGRAM = Path(__file__).with_name("rebuild_process.py")
#: Seconds until a dead rebuilder's place is free.
TTL_S = 2.0


class Died(BaseException):
    """The process is gone: no handler of errors runs."""


class Rebuilder(GeoProjection):
    """One that can die: what would tidy up after it does nothing then."""

    def __init__(self, core: Core) -> None:
        self.leases = Leases(core.db, ttl_s=TTL_S)
        self.gate = Gate(core.db, "geo", [spec.name for spec in BUILT], self.leases)
        super().__init__(core, self.gate, self.leases)

    async def die_in(self, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Rebuild until ``place`` (a step of the gate, or the n-th rename), and die there."""
        with monkeypatch.context() as patched:
            patched.setattr(self.leases, "release", _nothing)
            patched.setattr(self.gate, "reopen", _nothing)
            name, _, nth = place.partition(" ")
            patched.setattr(self.gate, name, _dying(getattr(self.gate, name), int(nth or 0)))
            with suppress(Died):
                await self.rebuild()


async def _nothing(*_: object) -> None:
    return None


def _dying(step: Callable[..., Awaitable[None]], after: int) -> Callable[..., Awaitable[None]]:
    """Die at the call after the first ``after``, before it has any effect."""
    left = iter(range(after))

    async def dying(*arguments: object) -> None:
        if next(left, None) is None:
            raise Died
        await step(*arguments)

    return dying


#: The step at which it dies, and the gate's state that it leaves.
PLACES = {
    "close": "open",
    "commit": "closed",
    "finish 1": "swapping",
    "_rename": "swapping",
    "_rename 1": "swapping",
}


@pytest.fixture
async def core(api: Api) -> Core:
    await emptied(api.core)
    return api.core


@pytest.fixture
async def opened(core: Core) -> AsyncIterator[Gate]:
    """The gate as a worker looks after it."""
    stop, gate = asyncio.Event(), Rebuilder(core).gate
    looking = asyncio.create_task(gate.keep_open(stop))
    yield gate
    stop.set()
    await looking


async def everything_delivered(core: Core, seed: int = 0) -> None:
    await delivered(core, "geo", shuffled(await stories(core), random.Random(seed)))


async def passes(gate: Gate) -> bool:
    async def once(session: Session) -> None:
        await gate.pass_through(session)

    try:
        await transact(gate._db, once)
    except TryLater:
        return False
    return True


@pytest.mark.parametrize("place", PLACES)
async def test_what_a_dead_rebuilder_leaves_is_brought_to_its_end_by_a_worker(
    core: Core, opened: Gate, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stored(core, [created_event(), step("triaged")])
    await everything_delivered(core)
    await core.db["geo_cells"].update_many({}, {"$inc": {"n": 1}})
    await Rebuilder(core).die_in(place, monkeypatch)
    await stored(core, [created_event()])

    async def consumer_goes_on() -> bool:
        return await passes(opened)

    await wait_until(consumer_goes_on, 20, "the gate to open")
    await everything_delivered(core)
    assert (await opened.state())["state"] == "open"
    if PLACES[place] == "swapping":  # it was decided, so the rebuild holds
        assert await projection(core, "geo").check() == []
    assert await projection(core, "geo").rebuild() == 2
    assert await projection(core, "geo").check() == []


@pytest.mark.parametrize("place", PLACES)
async def test_the_next_rebuild_brings_it_to_its_end_without_a_worker(
    core: Core, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stored(core, [created_event()])
    dead = Rebuilder(core)
    await dead.die_in(place, monkeypatch)
    assert (await dead.gate.state())["state"] == PLACES[place]
    assert await Rebuilder(core).rebuild() == 1
    assert await projection(core, "geo").check() == []
    assert not [n for n in await core.db.list_collection_names() if "__next" in n]


@pytest.mark.parametrize("place", ["commit", "finish 1", "_rename 1"])
async def test_no_consumer_passes_a_closed_gate(
    core: Core, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Rebuilder(core).die_in(place, monkeypatch)
    assert not await passes(Rebuilder(core).gate)


async def test_closing_waits_for_a_transaction_that_has_passed(core: Core) -> None:
    """And one that began before and comes to the gate later is refused."""
    gate = Rebuilder(core).gate
    await gate.claim(10**6)
    async with core.db.client.start_session() as late, core.db.client.start_session() as early:
        await late.start_transaction()
        await core.db["geo_points"].find_one({}, session=late)
        await early.start_transaction()
        await gate.pass_through(early)
        closing = asyncio.create_task(gate.close(10**6))

        async def decided() -> bool:
            return (await gate.state())["state"] == "closed"

        await wait_until(decided)
        assert not closing.done()
        await early.commit_transaction()
        await closing
        with pytest.raises(Exception, match=r"WriteConflict|swapped"):
            await gate.pass_through(late)
        await late.abort_transaction()
    await gate.reopen(10**6)
    assert await passes(gate)


async def test_a_rebuilder_that_wakes_up_late_can_neither_commit_nor_close(core: Core) -> None:
    late, successor = Rebuilder(core).gate, Rebuilder(core).gate
    epoch = (await late.state())["epoch"] + 1
    await late.claim(epoch)
    await late.close(epoch)
    await successor.claim(epoch + 1)
    with pytest.raises(Conflict):
        await late.commit(epoch, "__next_late")
    with pytest.raises(Conflict):
        await late.close(epoch)
    await successor.close(epoch + 1)
    await late.reopen(epoch)
    assert not await passes(late)
    await successor.reopen(epoch + 1)
    assert await passes(late)


async def test_a_second_rebuild_at_once_is_refused_or_waits(core: Core) -> None:
    await stored(core, [created_event()])
    both = await asyncio.gather(
        Rebuilder(core).rebuild(), Rebuilder(core).rebuild(), return_exceptions=True
    )
    assert {1} <= set(both) <= {1, *(b for b in both if isinstance(b, Conflict))}
    assert await projection(core, "geo").check() == []


@pytest.mark.slow
async def test_rebuilds_killed_anywhere_leave_consumers_going_on(core: Core, opened: Gate) -> None:
    """Whole processes, killed when their gate is seen closed and at other moments."""
    rng, settings = random.Random(7), core.settings
    for number in range(6):
        await stored(core, [created_event(), step("triaged")])
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(PROGRAM), settings.mongo_uri, core.db.name, str(TTL_S)
        )
        try:
            wanted = rng.choice(["closed", "swapping"])

            async def seen(wanted: str = wanted) -> bool:
                return (await opened.state())["state"] == wanted

            await wait_until(seen, 60, f"a gate {wanted}")
        finally:
            process.kill()
            await process.wait()
        await everything_delivered(core, seed=number)
        assert await core.db["geo_points"].count_documents({}) == number + 1
    assert await projection(core, "geo").check() == []
