"""How the system does, as its database knows it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pymongo
from pymongo.errors import PyMongoError

from cst_core.errors import Unavailable
from cst_core.settings import Settings
from cst_inbox import Deliveries
from cst_mongo.client import Database
from cst_mongo.leases import LEASES
from cst_process.heartbeat import PROCESSES
from cst_process.judgement import Bounds, Expected, Problem, judge

#: How long the database may take to answer a look; then it is gone.
ANSWER_S = 1.5
#: So long an answer is good for further askers: probes cost little, however many there are.
GOOD_FOR_S = 1.0
#: So long a webhook that nobody took counts as something wrong.
GIVEN_UP_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Survey:
    """What the processes told, by the server's time ``now``, and what is wrong with it."""

    now: datetime
    processes: list[dict[str, Any]]
    problems: list[Problem]


def bounds_of(settings: Settings) -> Bounds:
    """Return what counts as too long by the settings."""
    return Bounds(stuck_s=settings.stuck_after_s, behind_s=settings.behind_after_s)


async def survey(db: Database, bounds: Bounds, expected: Expected) -> Survey:
    """Look at the system.

    Raises:
        Unavailable: the database has no primary that answers within 1.5 s.
    """
    with _answering():
        now = await _server_time(db)
        processes = await db[PROCESSES.name].find().sort("started_at").to_list()
        leases = await db[LEASES.name].find({"_id": {"$regex": "^relay:"}}).to_list()
        given_up = await Deliveries(db).given_up(now - GIVEN_UP_FOR)
    return Survey(now, processes, judge(processes, leases, now, bounds, expected, given_up))


async def ping(db: Database) -> None:
    """Raise ``Unavailable`` where the database has no primary that answers within 1.5 s."""
    with _answering():
        await _server_time(db)


async def _server_time(db: Database) -> datetime:
    # Unlike a ping it tells the time; like one it needs a primary to ask.
    answer = await db.command("hello", codec_options=db.codec_options)
    now: datetime = answer["localTime"]
    return now


@contextmanager
def _answering() -> Iterator[None]:
    try:
        with pymongo.timeout(ANSWER_S):
            yield
    except PyMongoError as error:
        raise Unavailable(
            f"the database does not answer ({type(error).__name__}); nothing can be stored"
        ) from error


class SystemWatch:
    """Looks for those who ask often, at most once a second."""

    def __init__(self, db: Database, bounds: Bounds, expected: Expected) -> None:
        self._db = db
        self._bounds = bounds
        self._expected = expected
        self._looking = asyncio.Lock()
        self._good_until = 0.0
        self._last: Survey | Unavailable

    async def look(self) -> Survey:
        """Return a survey of the last second.

        Raises:
            Unavailable: the database did not answer.
        """
        async with self._looking:
            if time.monotonic() >= self._good_until:
                try:
                    self._last = await survey(self._db, self._bounds, self._expected)
                except Unavailable as gone:
                    self._last = gone
                self._good_until = time.monotonic() + GOOD_FOR_S
            last = self._last
        if isinstance(last, Unavailable):
            raise Unavailable(last.detail)
        return last
