"""The simulated staff: agents start and resolve what is assigned to them, supervisors close."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

from cst_core.clock import Clock
from cst_simulation.api import Api, ApiError, problem_of
from cst_simulation.counters import Counters
from cst_simulation.credentials import Credentials
from cst_simulation.crews import Crews

#: Wall seconds between looks at the agenda and at the lists of work.
TICK_S, SURVEY_S = 0.05, 2.0
#: One look in so many asks for work that somebody else began, or whose last step had failed.
FULL_SURVEY = 10
PAGE = 200
#: Steps that whoever has the work takes.
BY_AGENTS = ("in_progress", "resolved")

Request = dict[str, Any]


@dataclass(frozen=True, order=True)
class Step:
    """A step that somebody takes when it is due."""

    at: datetime
    request_id: str
    to: str = field(compare=False)
    request: Request = field(compare=False)


class Staff:
    """Works through the city's requests by the REST API, each step with its own actor's token."""

    def __init__(
        self, api: Api, clock: Clock, counters: Counters, crews: Crews, credentials: Credentials
    ) -> None:
        self._api = api
        self._clock = clock
        self._counters = counters
        self._crews = crews
        self._credentials = credentials
        self._agenda: list[Step] = []
        self._known: set[str] = set()
        self._codes: dict[str, str] = {}
        self._by_hand = [c.code for c in crews.city.categories if c.triage == "staff"]

    async def report_for_duty(self) -> None:
        """Learn who works here.

        Raises:
            ApiError: the API does not let the staff in.
        """
        self._codes = {agent["id"]: agent["agent_code"] async for agent in self._list("/agents")}

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._survey(stop))
            while not stop.is_set():
                while self._agenda and self._agenda[0].at <= self._clock.now():
                    group.create_task(self._take(heapq.heappop(self._agenda)))
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), TICK_S)

    async def _survey(self, stop: asyncio.Event) -> None:
        """Put on the agenda what waits for a step and is not on it."""
        look = 0
        while not stop.is_set():
            statuses = ["assigned", "in_progress"] if look % FULL_SURVEY == 0 else ["assigned"]
            try:
                async for request in self._list("/requests", status=statuses):
                    self._plan(request)
                if self._by_hand:
                    waiting = self._list("/requests", status="new", category=self._by_hand)
                    async for request in waiting:
                        self._plan(request)
            except ApiError as error:
                self._counters.why(f"staff: {error}")
            look += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), SURVEY_S)

    def _plan(self, request: Request) -> None:
        """Put a request's next step on the agenda, once; a duplicate follows its master's."""
        request_id, status, now = request["request_id"], request["status"], self._clock.now()
        if request_id in self._known or not request["duplicates"]["is_master"]:
            return
        at: datetime | None
        if status == "new":
            to, at = "triaged", self._crews.triaged_at(request, now)
        elif status == "assigned":
            to, at = "in_progress", self._crews.started_at(request, now)
        elif status == "in_progress":
            to, at = "resolved", self._crews.resolved_at(request, now)
        elif status == "resolved":
            to, at = "closed", self._crews.closed_at(request, now)
        else:
            return
        self._known.add(request_id)
        if at is not None:
            heapq.heappush(self._agenda, Step(at, request_id, to, request))

    async def _take(self, step: Step) -> None:
        """Take a step. Its answer leads to the next; a refused one is looked at again.

        What is somebody else's by now (403) was passed on; whoever has it takes the step.
        """
        body = {"to": step.to}
        if step.to == "resolved":
            body["resolution_code"] = self._crews.outcome(step.request)
        path, headers = f"/requests/{step.request_id}/transition", self._headers(step)
        problem = None
        try:
            answer = await self._api.call(
                "PATCH", path, headers=headers, json=body, repeatable=False
            )
            if answer.status_code == HTTPStatus.FORBIDDEN and step.to in BY_AGENTS:
                self._known.discard(step.request_id)
                return
            problem = None if answer.is_success else problem_of(answer)
        except ApiError as error:
            problem = str(error)
        self._known.discard(step.request_id)
        if problem is None:
            self._count(step.to)
            self._plan(answer.json())
        else:
            self._counters.refused += 1
            self._counters.why(f"staff: {problem}")

    def _headers(self, step: Step) -> dict[str, str]:
        code = self._codes.get(step.request["assignment"]["assigned_agent_id"] or "")
        if step.to in BY_AGENTS and code is not None:
            return self._credentials.agent(code)
        return self._credentials.staff()

    def _count(self, to: str) -> None:
        name = "started" if to == "in_progress" else to
        setattr(self._counters, name, getattr(self._counters, name) + 1)

    async def _list(self, path: str, **filters: Any) -> AsyncIterator[dict[str, Any]]:
        cursor: dict[str, str] = {}
        while True:
            page = await self._api.get(
                path, self._credentials.staff(), limit=PAGE, **filters, **cursor
            )
            for item in page["items"]:
                yield item
            if page["next_cursor"] is None:
                return
            cursor = {"cursor": page["next_cursor"]}
