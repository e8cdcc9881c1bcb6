"""A live load: citizens who insist on an answer, and staff who take what is assigned to its end."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import httpx

from cst_simulation.reports import Citizens
from cst_testkit.cities import new_york
from cst_testkit.systems import auth_headers
from cst_testkit.waiting import wait_until

CLIENTS, STAFF = 16, 6
CALL_S, PAUSE_S, SURVEY_S = 20.0, 0.2, 1.0
#: How long one call may be repeated, and how long a client waits for its turn.
PATIENCE_S, TURN_S = 180.0, 120.0
#: Share of the reports that are sent again, at the same moment or afterwards.
RESENT = 0.05
NEXT = {"assigned": "in_progress", "in_progress": "resolved", "resolved": "closed"}
#: Where staff leave a request, and how often.
GOALS = {"assigned": 70, "in_progress": 5, "resolved": 10, "closed": 15}
NOON = datetime.fromisoformat("2026-03-03T12:00:00-05:00")

Request = dict[str, Any]


def bodies(seed: int) -> Iterator[Request]:
    """Yield what New Yorkers report, without end."""
    for report in Citizens(new_york(), seed, peak_rate=1000.0).reports(NOON):
        yield report.command.model_dump(mode="json")


class Load:
    """The load of one run; ``problems`` holds every answer that should not have come."""

    def __init__(
        self, urls: Sequence[str], seed: int, count: int, may_begin: Callable[[int], bool]
    ) -> None:
        self.seed = seed
        self.count = count
        self.problems: list[str] = []
        #: Ids that each key was answered with.
        self.answers: dict[str, set[str]] = defaultdict(set)
        self.counts: Counter[str] = Counter()
        self._urls = itertools.cycle(urls)
        self._may_begin = may_begin
        self._staff = auth_headers("supervisor")
        self._work: asyncio.Queue[Request] = asyncio.Queue()
        self._claimed: set[str] = set()

    @property
    def answered(self) -> int:
        """How many requests have been answered."""
        return len(self.answers)

    async def run(self, over: asyncio.Event) -> None:
        """File everything; staff go on with what is assigned until ``over`` is set."""
        limits = httpx.Limits(max_connections=CLIENTS + STAFF + 4)
        async with httpx.AsyncClient(timeout=CALL_S, limits=limits) as self._http:
            numbers = iter(zip(range(1, self.count + 1), bodies(self.seed), strict=False))
            async with asyncio.TaskGroup() as crew:
                workers = [crew.create_task(self._work_on()) for _ in range(STAFF)]
                survey = crew.create_task(self._survey())
                async with asyncio.TaskGroup() as citizens:
                    for _ in range(CLIENTS):
                        citizens.create_task(self._file_all(numbers))
                await over.wait()
                for task in (*workers, survey):
                    task.cancel()

    async def _file_all(self, numbers: Iterator[tuple[int, Request]]) -> None:
        for number, body in numbers:
            await wait_until(partial(self._may_begin, number), TURN_S, f"the turn of {number}")
            rng = random.Random(f"{self.seed}:{number}")
            twice = rng.random() < RESENT
            await asyncio.gather(*(self._file(number, body) for _ in range(1 + twice)))
            if rng.random() < RESENT:
                await self._file(number, body)

    async def _file(self, number: int, body: Request) -> None:
        key = f"chaos-{self.seed}-{number}"
        answer = await self._insist("POST", "/requests/", body, {"Idempotency-Key": key})
        if answer.status_code in (200, 201):
            self.answers[key].add(answer.json()["request_id"])
        else:
            self.problems.append(f"POST {key}: {answer.status_code} {answer.text[:300]}")

    async def _insist(
        self, method: str, path: str, body: Request | None, headers: dict[str, str]
    ) -> httpx.Response:
        """Send the same call to one API after the other until one answers below 500."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            answer = await self._once(method, path, body, headers)
            if answer is not None:
                return answer
            await asyncio.sleep(PAUSE_S)
        raise AssertionError(f"{method} {path} was not answered within {PATIENCE_S:g} s")

    async def _once(
        self, method: str, path: str, body: Request | None, headers: dict[str, str]
    ) -> httpx.Response | None:
        """Return the answer, or None where there is none or one that asks to try again."""
        url = next(self._urls) + path
        try:
            answer = await self._http.request(method, url, json=body, headers=headers)
        except httpx.TransportError as error:
            self.counts[type(error).__name__] += 1
            return None
        self.counts[str(answer.status_code)] += 1
        if answer.status_code < 500:
            return answer
        if answer.status_code != 503 or "problem+json" not in answer.headers["content-type"]:
            self.problems.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return None

    async def _survey(self) -> None:
        """Give staff what is assigned and not theirs yet."""
        while True:
            cursor = ""
            while cursor is not None:
                path = f"/requests?status=assigned&limit=200{cursor and f'&cursor={cursor}'}"
                answer = await self._once("GET", path, None, self._staff)
                page = answer.json() if answer is not None else {"items": [], "next_cursor": None}
                for request in page["items"]:
                    if request["request_id"] not in self._claimed:
                        self._claimed.add(request["request_id"])
                        self._work.put_nowait(request)
                cursor = page["next_cursor"]
            await asyncio.sleep(SURVEY_S)

    async def _work_on(self) -> None:
        while True:
            await self._advance(await self._work.get())

    async def _advance(self, request: Request) -> None:
        """Take a request step by step to where staff leave it, whatever an answer's fate.

        A duplicate is left to its master.
        """
        rng = random.Random(f"{self.seed}:{request['request_id']}")
        goal = rng.choices(list(GOALS), list(GOALS.values()))[0]
        path = f"/requests/{request['request_id']}"
        while request["duplicates"]["is_master"] and (status := request["status"]) != goal:
            step: Request = {"to": NEXT[status], "expected_version": request["version"]}
            if step["to"] == "resolved":
                step["resolution_code"] = "fixed"
            answer = await self._once("PATCH", f"{path}/transition", step, self._staff)
            if answer is not None and answer.status_code not in (200, 409):
                self.problems.append(f"{path} to {step['to']}: {answer.text[:300]}")
                return
            if answer is None or answer.status_code == 409:
                answer = await self._insist("GET", path, None, self._staff)
            request = answer.json()
