"""Ledger and relay against a simple model, with the relay dying at every kind of moment.

The model of a request is how many events it has. Whatever happens, the ledger holds just those,
its chain is whole, and a consumer that drops repeats has a prefix of them in order; at the end,
all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from relay_world import FEED, View, World, consumed, new_world, viewing

from cst_bus.producer import make_producer
from cst_bus.topics_admin import ensure_topics
from cst_contracts.topics import REQUEST_EVENTS
from cst_ledger.verify import verify_all
from cst_relay import outlet
from cst_relay.checkpoint import CHECKPOINTS, Checkpoint, CheckpointStore
from cst_relay.main import run_relay
from cst_stack import Endpoints
from cst_testkit.waiting import wait_until

T = TypeVar("T")

#: Where the relay dies: with a batch unsent, or sent but not known to be; with the checkpoint
#: unwritten, or written but not known to be.
POINTS = ("before send", "after send", "before save", "after save")


class Crash(Exception):
    """The relay is gone. It is no error that passes, so the relay does not start over."""


class Crashing:
    """Lets the ``nth`` passage of a point be the last."""

    def __init__(self) -> None:
        self._left: dict[str, int] = {}

    def arm(self, point: str, nth: int) -> None:
        self._left = {point: nth}

    def disarm(self) -> None:
        self._left = {}

    def passing(self, point: str) -> None:
        if point in self._left:
            self._left[point] -= 1
            if self._left[point] <= 0:
                raise Crash(point)

    def producer(self, *args: Any, **kwargs: Any) -> Any:
        made = make_producer(*args, **kwargs)
        send_batch = made.send_batch

        async def send(batch: Any, topic: str, *, partition: int) -> Any:
            self.passing("before send")
            future = await send_batch(batch, topic, partition=partition)
            if "after send" in self._left:
                await future
                self.passing("after send")
            return future

        made.send_batch = send
        return made

    def store(self) -> Callable[[CheckpointStore, Checkpoint], Awaitable[None]]:
        save = CheckpointStore.save

        async def saving(store: CheckpointStore, checkpoint: Checkpoint) -> None:
            self.passing("before save")
            await save(store, checkpoint)
            self.passing("after save")

        return saving


class LedgerAndRelay(RuleBasedStateMachine):
    """What may happen to a city's ledger, and to the relay that reads it."""

    requests = Bundle("requests")
    endpoints: Endpoints
    runner: asyncio.Runner
    crashing: Crashing

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, int] = {}
        self._undo = AsyncExitStack()

    def _do(self, work: Awaitable[T]) -> T:
        async def go() -> T:
            return await asyncio.wait_for(work, 60)

        return self.runner.run(go())

    @initialize()
    def a_city(self) -> None:
        async def begin() -> tuple[World, View]:
            world = await self._undo.enter_async_context(new_world(self.endpoints))
            settings = world.settings()
            await ensure_topics(
                settings.kafka,
                [REQUEST_EVENTS],
                prefix=settings.topic_prefix,
                volatile=not settings.kafka_idempotent,
            )
            view = await self._undo.enter_async_context(viewing(self.endpoints, world.topic))
            return world, view

        self.world, self.view = self._do(begin())

    @rule(target=requests)
    def create(self) -> str:
        request_id = f"CST-2026-{len(self.model):04d}"
        self._do(self.world.create(request_id))
        self.model[request_id] = 1
        return request_id

    @rule(request=requests, times=st.integers(1, 3), each=st.integers(1, 60))
    def append(self, request: str, times: int, each: int) -> None:
        self._do(self.world.append(request, times=times, each=each))
        self.model[request] += times * each

    @rule(request=requests, writers=st.integers(2, 4))
    def append_at_the_same_time(self, request: str, writers: int) -> None:
        async def all_at_once() -> None:
            await asyncio.gather(*(self.world.append(request, each=2) for _ in range(writers)))

        self._do(all_at_once())
        self.model[request] += 2 * writers

    @rule(point=st.sampled_from(POINTS), nth=st.integers(1, 3))
    def the_relay_dies(self, point: str, nth: int) -> None:
        self.crashing.arm(point, nth)
        self._do(self._relay_until_done())
        self.crashing.disarm()

    @rule()
    def the_relay_catches_up(self) -> None:
        self._do(self._relay_until_done())
        self._all_there()

    @rule(garbage=st.sampled_from(({"_data": "no token"}, {"_data": "82" + "0" * 40}, {})))
    def the_position_is_lost(self, garbage: dict[str, str]) -> None:
        change = {"$set": {"token": garbage}}
        self._do(self.world.db[CHECKPOINTS.name].update_one({"_id": FEED}, change))

    async def _relay_until_done(self) -> None:
        """Run a relay until everything is relayed or it has died."""
        stop = asyncio.Event()
        relay = asyncio.create_task(run_relay(self.world.settings(), stop))

        async def over() -> bool:
            await self.view.poll()
            return relay.done() or await self._caught_up()

        try:
            await wait_until(over, 40, "the relay to catch up or to die")
        finally:
            stop.set()
            ended = (await asyncio.gather(relay, return_exceptions=True))[0]
        if ended is not None and not isinstance(ended, Crash):
            raise ended

    async def _caught_up(self) -> bool:
        return consumed(self.view.records) == await self.world.stored()

    def _all_there(self) -> None:
        self._do(self.world.all_relayed(self.view, 20))

    @invariant()
    def the_ledger_is_what_was_written(self) -> None:
        if not hasattr(self, "world"):
            return
        stored = self._do(self.world.stored())
        assert {request: len(ids) for request, ids in stored.items()} == self.model

    @invariant()
    def a_consumer_has_a_prefix_in_order(self) -> None:
        if not hasattr(self, "world"):
            return
        self._do(self.view.poll())
        stored = self._do(self.world.stored())
        for request, ids in consumed(self.view.records).items():
            assert stored[request][: len(ids)] == ids

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return

        async def settle() -> None:
            await self._relay_until_done()
            await self.world.all_relayed(self.view, 20)
            problems = [v.problems async for v in verify_all(self.world.db) if not v.ok]
            assert not problems

        try:
            self.crashing.disarm()
            self._do(settle())
        finally:
            self._do(self._undo.aclose())


def test_nothing_is_lost_or_out_of_order_wherever_the_relay_dies(
    stack: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashing = Crashing()
    monkeypatch.setattr(outlet, "make_producer", crashing.producer)
    monkeypatch.setattr(CheckpointStore, "save", crashing.store())
    with asyncio.Runner() as runner:
        attributes = {"endpoints": stack, "runner": runner, "crashing": crashing}
        machine = type("Machine", (LedgerAndRelay,), attributes)
        run_state_machine_as_test(
            machine, settings=settings(max_examples=12, stateful_step_count=10)
        )
