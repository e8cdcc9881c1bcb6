"""How long the city's people take, and how work ends; settled by seed and request."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from cst_city import City
from cst_simulation.kinds import kind_of

#: Minutes from assignment to the start of the work, a median by priority.
START_MINUTES = {"P1": 10.0, "P2": 35.0, "P3": 110.0, "P4": 200.0}
#: How far from the median it goes (sigma of a log-normal).
SPREAD = 0.55
OUTCOMES = {"fixed": 82, "not_found": 8, "referred": 5, "not_city_property": 3, "spam": 2}
#: Share of the resolved that a supervisor closes, and the minutes until then (a median).
CLOSED_SHARE, CLOSE_MINUTES = 0.7, 120.0
#: A dispatcher looks at what no rule triages after so many minutes (a median).
TRIAGE_MINUTES = 15.0
#: Hours between which only urgent work begins or ends.
NIGHT = (22, 6)
URGENT = ("P1", "P2")


@dataclass(frozen=True)
class Crews:
    """The people who work for ``city``. Requests are read as the API gives them."""

    city: City
    seed: int

    def triaged_at(self, request: dict[str, Any], now: datetime) -> datetime:
        """Return when a dispatcher triages a request that waits for one."""
        return now + self._span(request, "triage", TRIAGE_MINUTES)

    def started_at(self, request: dict[str, Any], now: datetime) -> datetime:
        """Return when the assigned agent starts."""
        span = self._span(request, "start", START_MINUTES[request["priority"]])
        return self._awake(request, now + span)

    def resolved_at(self, request: dict[str, Any], now: datetime) -> datetime:
        """Return when the work is done."""
        minutes = self._work_minutes.get(request["category"], 60.0)
        return self._awake(request, now + self._span(request, "work", minutes))

    def closed_at(self, request: dict[str, Any], now: datetime) -> datetime | None:
        """Return when a supervisor closes a resolved request, None when nobody does."""
        if self._rng(request, "closing").random() >= CLOSED_SHARE:
            return None
        return now + self._span(request, "close", CLOSE_MINUTES)

    def outcome(self, request: dict[str, Any]) -> str:
        """Return the resolution code."""
        codes = list(OUTCOMES)
        return self._rng(request, "outcome").choices(codes, list(OUTCOMES.values()))[0]

    @cached_property
    def _work_minutes(self) -> dict[str, float]:
        return {c.code: kind_of(c).work_minutes for c in self.city.categories}

    def _rng(self, request: dict[str, Any], what: str) -> random.Random:
        return random.Random(f"{self.seed}:{request['request_id']}:{what}")

    def _span(self, request: dict[str, Any], what: str, median_minutes: float) -> timedelta:
        rng = self._rng(request, what)
        return timedelta(minutes=rng.lognormvariate(math.log(median_minutes), SPREAD))

    def _awake(self, request: dict[str, Any], at: datetime) -> datetime:
        """Move what is not urgent out of the night, into the next two morning hours."""
        local = at.astimezone(ZoneInfo(self.city.spec.timezone))
        start, end = NIGHT
        if request["priority"] in URGENT or end <= local.hour < start:
            return at
        day = local + timedelta(days=1) if local.hour >= start else local
        morning = day.replace(hour=end, minute=0, second=0, microsecond=0)
        return morning + timedelta(minutes=self._rng(request, "morning").uniform(0, 120))
