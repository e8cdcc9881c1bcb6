"""Carries out a plan of faults, several at a time, and says what it does."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from cst_testkit.faults.fleet import Fleet
from cst_testkit.faults.garbage import Vandal
from cst_testkit.faults.ground import Ground
from cst_testkit.faults.plan import Fault
from cst_testkit.waiting import wait_until

#: Faults under way at a time, and the longest pause before the next one, whatever the load does.
AT_ONCE, LONGEST_WAIT_S = 4, 4.0


@dataclass
class Injector:
    """Faults against a ground, the fleet that runs on it, and its topic (None: leave it alone)."""

    ground: Ground
    fleet: Fleet
    vandal: Vandal | None
    #: Number of the last fault that was begun.
    begun: int = 0
    done: Counter[str] = field(default_factory=Counter)

    async def run(self, plan: list[Fault], due: Callable[[Fault], bool]) -> None:
        """Begin each fault once ``due`` says so or it has waited long enough; return when all
        are over. What goes wrong in injecting ends the run with its error.
        """
        slots, started = asyncio.Semaphore(AT_ONCE), time.monotonic()

        async def inject(fault: Fault) -> None:
            try:
                print(f"{time.monotonic() - started:6.1f} s  fault {fault}", flush=True)
                await self.inject(fault)
                self.done[fault.kind] += 1
            finally:
                slots.release()

        async with asyncio.TaskGroup() as group:
            for fault in plan:
                with suppress(AssertionError):
                    await wait_until(partial(due, fault), LONGEST_WAIT_S)
                await slots.acquire()
                self.begun = fault.number
                group.create_task(inject(fault))

    async def inject(self, fault: Fault) -> None:
        """Carry out one fault; return when it is over."""
        await self._actions()[fault.kind](fault)

    def _actions(self) -> dict[str, Callable[[Fault], Awaitable[object]]]:
        ground, fleet = self.ground, self.fleet
        return {
            "kill": lambda f: fleet.kill(f.target),
            "pause": lambda f: fleet.pause(f.target, f.seconds),
            "mongod_kill": lambda f: ground.restart_mongod(kill=True, down_s=f.seconds),
            "mongod_restart": lambda f: ground.restart_mongod(kill=False, down_s=f.seconds),
            "step_down": lambda f: ground.step_down(),
            "broker_kill": lambda f: ground.restart_broker(kill=True, down_s=f.seconds),
            "broker_restart": lambda f: ground.restart_broker(kill=False, down_s=f.seconds),
            "cut": self._cut,
            "delay": self._delay,
            "refuse": self._refuse,
            "duplicate": lambda f: self._spoiler().repeat(f.number, f.seed),
            "malformed": lambda f: self._spoiler().spoil(f.number, f.seed),
        }

    def _spoiler(self) -> Vandal:
        assert self.vandal is not None, "the plan has faults of records, but there is no topic"
        return self.vandal

    async def _cut(self, fault: Fault) -> None:
        self.ground.links[fault.target].cut_all()

    async def _delay(self, fault: Fault) -> None:
        link = self.ground.links[fault.target]
        link.delay_s = random.Random(fault.seed).uniform(0.02, 0.3)
        await asyncio.sleep(fault.seconds)
        link.delay_s = 0.0

    async def _refuse(self, fault: Fault) -> None:
        link = self.ground.links[fault.target]
        link.refusing = True
        link.cut_all()
        await asyncio.sleep(fault.seconds)
        link.refusing = False
