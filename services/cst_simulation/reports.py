"""The reports of a simulated city, hour by hour: a pure function of its seed.

What is reported in an hour does not depend on when the simulation began, so two runs with one
seed that meet in time report the same.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from cst_city import Category, City
from cst_contracts.requests import CreateRequest, LocationIn
from cst_simulation.hours import activity, tilt
from cst_simulation.kinds import Kind, hints, kind_of
from cst_simulation.places import Places

HOUR = timedelta(hours=1)
#: Shares of the reports: seen by a second citizen too; sent without a key; sent again with it.
REPEATED, KEYLESS, RESENT = 0.12, 0.08, 0.05
#: Shares: with danger words (where the category has such texts), not to be shared publicly.
DANGER, PRIVATE = 0.04, 0.03
#: When a second citizen reports the same: on average, and at the latest.
REPEAT_MEAN, REPEAT_MAX = timedelta(minutes=40), timedelta(hours=3)


@dataclass(frozen=True, order=True)
class Report:
    """What a citizen sends, and when. ``number`` is unique within a seed.

    ``keyed``: with an Idempotency-Key. ``resent``: once more, as an impatient client does.
    ``repeats``: the number of the report that somebody else sent of the same thing.
    """

    at: datetime
    number: str
    command: CreateRequest = field(compare=False)
    keyed: bool = field(compare=False)
    resent: bool = field(compare=False)
    repeats: str | None = field(compare=False, default=None)


@dataclass(frozen=True)
class Citizens:
    """The people of ``city``; ``peak_rate`` is their reports in the busiest hour of a week."""

    city: City
    seed: int
    peak_rate: float

    @cached_property
    def places(self) -> Places:
        """Where they report."""
        return Places(self.city.zones, self.city.zone_index(), self.seed)

    @cached_property
    def _timezone(self) -> ZoneInfo:
        return ZoneInfo(self.city.spec.timezone)

    @cached_property
    def _kinds(self) -> list[tuple[Category, Kind]]:
        return [(category, kind_of(category)) for category in self.city.categories]

    def reports(self, start: datetime) -> Iterator[Report]:
        """Yield, without end and in order of time, what is reported from ``start`` on."""
        waiting: list[Report] = []
        hour = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - REPEAT_MAX
        while True:
            for report in self._hour(hour):
                heapq.heappush(waiting, report)
            hour += HOUR
            while waiting and waiting[0].at < hour:
                report = heapq.heappop(waiting)
                if report.at >= start:
                    yield report

    def _hour(self, hour: datetime) -> Iterator[Report]:
        """What one hour gives rise to; second reports may come later than that."""
        rng = random.Random(f"{self.seed}:{hour:%Y%m%d%H}")
        at, count = hour + self._gap(rng), 0
        while at < hour + HOUR:
            local = at.astimezone(self._timezone)
            if rng.random() < activity(local):
                first = self._report(at, local, f"{hour:%Y%m%d%H}-{count:04d}", rng)
                yield first
                yield from self._again(first, rng)
                count += 1
            at += self._gap(rng)

    def _gap(self, rng: random.Random) -> timedelta:
        return HOUR * rng.expovariate(self.peak_rate)

    def _report(self, at: datetime, local: datetime, number: str, rng: random.Random) -> Report:
        weights = [
            kind.weight * tilt(kind.hours, local) * (local.month in kind.months)
            for _, kind in self._kinds
        ]
        category, _ = rng.choices(self._kinds, weights)[0]
        return self._made(at, number, category, self.places.draw(category.code, rng), rng)

    def _made(
        self,
        at: datetime,
        number: str,
        category: Category,
        place: tuple[float, float],
        rng: random.Random,
        repeats: str | None = None,
    ) -> Report:
        kind = kind_of(category)
        texts = kind.danger if kind.danger and rng.random() < DANGER else kind.texts
        hint = rng.choice(hints()).format(n=rng.randint(1, 900))
        command = CreateRequest(
            category=category.code,
            description=rng.choice(texts),
            location=LocationIn(coordinates=place, address_hint=hint),
            share_publicly=rng.random() >= PRIVATE,
        )
        keyed = rng.random() >= KEYLESS
        return Report(at, number, command, keyed, keyed and rng.random() < RESENT, repeats)

    def _again(self, first: Report, rng: random.Random) -> Iterator[Report]:
        """A neighbor sees the same thing, a few steps away and a little later."""
        category = next(c for c, _ in self._kinds if c.code == first.command.category)
        where = first.command.location
        if category.duplicates == "off" or where is None or rng.random() >= REPEATED:
            return
        wait = REPEAT_MEAN * rng.expovariate(1)
        place = self.places.near(where.coordinates, category.radius_m / 4, rng)
        number = f"{first.number}b"
        at = first.at + min(wait, REPEAT_MAX)
        yield self._made(at, number, category, place, rng, repeats=first.number)
