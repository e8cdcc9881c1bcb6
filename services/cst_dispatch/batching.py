"""Plans for many waiting requests at once, over the agents as they stand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from bson import ObjectId

from cst_dispatch.choosing import Chooser
from cst_dispatch.domain.batch import Booleans, Crew, Waiting, plan
from cst_dispatch.domain.staff import Free
from cst_dispatch.queue import job_of
from cst_dispatch.repository import DispatchRepository
from cst_ledger.events import Document
from cst_process.core import Core

#: How many agents a plan takes in, the least loaded.
CREWS = 1000


@dataclass(frozen=True)
class Plan:
    """Whom each request (by id) is planned for, and when somebody who is away could take it."""

    chosen: Mapping[str, ObjectId] = field(default_factory=dict)
    next_start: Mapping[str, datetime | None] = field(default_factory=dict)


class Planner:
    """Plans rows of the queue. A plan binds nobody: each assignment is checked again on its own."""

    def __init__(self, core: Core, chooser: Chooser) -> None:
        self._core = core
        self._chooser = chooser
        self._repository = DispatchRepository(core.db)

    async def plan(self, rows: Sequence[Document]) -> Plan:
        """Return who is to get which of the requests that wait."""
        staff, now = await self._chooser.staff(None), self._core.clock.now()
        frees = [staff.free(job_of(row), now) for row in rows]
        ids = frozenset[ObjectId]().union(*(free.ids for free in frees))
        # Who has no room gets nothing, but shows which requests few can take.
        crews = [_crew(agent) for agent in await self._repository.loaded(ids, CREWS)]
        may = _matrix(rows, frees, crews)
        waiting = [_waiting(row) for row in rows]
        # It is a second's work for large ones, in which the consumers' heartbeats have to go on.
        chosen = await asyncio.to_thread(plan, waiting, crews, may, now)
        starts = {row["_id"]: free.next_start for row, free in zip(rows, frees, strict=True)}
        return Plan(chosen, starts)


def _crew(agent: Document) -> Crew:
    at = agent.get("position")
    return Crew(
        agent["_id"], agent["open_assignments"], agent["capacity"], tuple(at) if at else None
    )


def _waiting(row: Document) -> Waiting:
    job = job_of(row)
    return Waiting(row["_id"], row["priority"], row["created_at"], row["due_at"], job.place)


def _matrix(rows: Sequence[Document], frees: Sequence[Free], crews: Sequence[Crew]) -> Booleans:
    may = np.zeros((len(rows), len(crews)), dtype=np.bool_)
    for number, (row, free) in enumerate(zip(rows, frees, strict=True)):
        ids = free.ids.difference(row["past_agent_ids"])
        may[number] = [crew.agent_id in ids for crew in crews]
    return may
