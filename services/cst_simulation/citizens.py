"""Sends the reports of a simulated city at their times, whatever the API does (an open loop)."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import suppress

import httpx

from cst_core.clock import Clock
from cst_simulation.api import Api, ApiError, problem_of
from cst_simulation.counters import Counters
from cst_simulation.reports import Report

#: How long reports under way may take when the simulation ends, in wall seconds.
LAST_WORDS_S = 10.0


class Reporting:
    """Sends reports; keys carry the run, so that a second run of one seed reports anew."""

    def __init__(self, api: Api, clock: Clock, counters: Counters) -> None:
        self._api = api
        self._clock = clock
        self._counters = counters
        self._run = secrets.token_hex(4)
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self, reports: Iterator[Report], stop: asyncio.Event) -> None:
        """Send ``reports`` when they are due until ``stop`` is set, then wait for the last."""
        for report in reports:
            if not await self._due(report, stop):
                break
            task = asyncio.create_task(self._send(report))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=LAST_WORDS_S)
        for task in self._under_way:
            task.cancel()
            self._failed("not answered before the end")

    async def _due(self, report: Report, stop: asyncio.Event) -> bool:
        """Wait until a report is due; False when the simulation ends before."""
        pause = self._clock.wall_seconds(report.at - self._clock.now())
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), max(pause, 0))
        return not stop.is_set()

    async def _send(self, report: Report) -> None:
        """Send a report, and once more where its citizen is impatient."""
        due = asyncio.get_running_loop().time()
        if await self._post(report, due) and report.resent:
            await self._post(report, asyncio.get_running_loop().time())

    async def _post(self, report: Report, due: float) -> bool:
        headers = {"Idempotency-Key": f"sim-{self._run}-{report.number}"} if report.keyed else {}
        body = report.command.model_dump(mode="json")
        self._counters.sent += 1
        try:
            # Without a key a second attempt could file the report twice.
            answer = await self._api.call(
                "POST", "/requests/", headers=headers, json=body, repeatable=report.keyed
            )
        except ApiError as error:
            return self._failed(str(error))
        self._counters.answered(asyncio.get_running_loop().time() - due)
        return self._counted(answer)

    def _counted(self, answer: httpx.Response) -> bool:
        if answer.status_code == 201:
            self._counters.created += 1
        elif answer.status_code == 200:
            self._counters.replayed += 1
        else:
            return self._failed(problem_of(answer))
        return True

    def _failed(self, reason: str) -> bool:
        self._counters.failed += 1
        self._counters.why(f"report: {reason}")
        return False
