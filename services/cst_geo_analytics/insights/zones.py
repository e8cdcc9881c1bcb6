"""Zone summaries: what is open, what came in and what was resolved, against the days before."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cst_city.catalog import Catalog
from cst_contracts.enums import UNKNOWN_ZONE
from cst_contracts.geo_insights import ZoneReport, ZoneSummary
from cst_geo_analytics.domain.buckets import bucket_of
from cst_geo_analytics.domain.insight_queries import ZonesQuery
from cst_geo_analytics.domain.medians import median_minutes
from cst_geo_analytics.domain.projection import local
from cst_geo_analytics.domain.weights import HOUR, whole_hour
from cst_geo_analytics.domain.zones import Span, middle_places, parts_of, percent
from cst_geo_analytics.insights.repository import AnalyticsRepository, Wanted
from cst_process.core import Core

#: Stands for all zones together.
ALL = None
Key = str | None


@dataclass
class _Resolved:
    """What was resolved in a zone."""

    count: int = 0
    met: int = 0
    missed: int = 0
    buckets: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, row: Mapping[str, Any], bucket: int) -> None:
        self.count += row["n"]
        self.met += row["met"]
        self.missed += row["missed"]
        self.buckets[bucket] += row["n"]

    @property
    def met_percent(self) -> float | None:
        return percent(self.met, self.met + self.missed)

    @property
    def median_hours(self) -> float | None:
        minutes = median_minutes(self.buckets)
        return None if minutes is None else round(minutes / 60, 2)


@dataclass(frozen=True)
class _Done:
    """What came in and what was resolved in a span, by zone and of all."""

    created: Mapping[Key, int]
    resolved: Mapping[Key, _Resolved]


@dataclass(frozen=True)
class _Now:
    """What is open, by zone and of all."""

    open: Mapping[Key, int]
    overdue: Mapping[Key, int]
    median_age: Mapping[Key, float]


class ZoneService:
    """Answers with a row per zone; the cost follows what is open, and the sums of the days."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._repository = AnalyticsRepository(core.db)

    async def report(self, query: ZonesQuery, *, staff: bool) -> ZoneReport:
        """Return the zones' summaries.

        Raises:
            InvalidInput: a category that the city does not have.
        """
        catalog, now = await self._core.catalog.get(), self._core.clock.now()
        query.check(catalog)
        zone, wanted = ZoneInfo(catalog.city.timezone), query.wanted(staff=staff)
        span = Span.ending(local(now, zone).date(), query.days)
        open_now = await self._open(now, wanted)
        lately = await self._done(span, zone, wanted)
        before = await self._done(span.before, zone, wanted)
        names = _names(catalog, open_now, lately, before)
        return ZoneReport(
            generated_at=now,
            first_day=span.first,
            last_day=span.last,
            totals=_summary(ALL, None, open_now, lately, before),
            zones=[_summary(key, name, open_now, lately, before) for key, name in names.items()],
        )

    async def _open(self, now: datetime, wanted: Wanted) -> _Now:
        by_day: defaultdict[Key, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        for row in await self._repository.open_by_day(wanted):
            for key in (row["zone_id"], ALL):
                by_day[key][row["day"]] += row["n"]
        ages = await asyncio.gather(
            *(self._median_age(key, days, now, wanted) for key, days in by_day.items())
        )
        return _Now(
            open={key: sum(days.values()) for key, days in by_day.items()},
            overdue=await self._overdue(now, wanted),
            median_age={key: age for key, age in zip(by_day, ages, strict=True) if age is not None},
        )

    async def _median_age(
        self, key: Key, by_day: Mapping[str, int], now: datetime, wanted: Wanted
    ) -> float | None:
        """The median in hours, exact: by the sums its day is found, within it one request."""
        within = wanted if key is ALL else {**wanted, "zone_id": key}
        instants = [
            await self._repository.created_at(place.day, place.skip, within)
            for place in middle_places(by_day)
        ]
        # A request may have been closed since it was counted.
        ages = [now - instant for instant in instants if instant is not None]
        return round(sum(ages, timedelta()) / len(ages) / HOUR, 2) if ages else None

    async def _overdue(self, now: datetime, wanted: Wanted) -> dict[Key, int]:
        """By whole hours that are over, and of the hour that is running one by one."""
        counts: defaultdict[Key, int] = defaultdict(int)
        hour = whole_hour(now)
        for zone_id, count in (await self._repository.overdue_by_zone(hour, wanted)).items():
            counts[zone_id] += count
        for row in await self._repository.due_between(hour, now, wanted):
            counts[row["zone_id"]] += 1
        counts[ALL] = sum(counts.values())
        return counts

    async def _done(self, span: Span, zone: ZoneInfo, wanted: Wanted) -> _Done:
        first, last = span.first.isoformat(), span.last.isoformat()
        by_zone = await self._repository.created_by_zone(first, last, wanted)
        created: dict[Key, int] = {ALL: sum(by_zone.values())}
        created.update(by_zone)
        return _Done(created, await self._resolved(span, zone, wanted))

    async def _resolved(
        self, span: Span, zone: ZoneInfo, wanted: Wanted
    ) -> Mapping[Key, _Resolved]:
        """Whole months by their sums, the days at both ends one request at a time."""
        resolved: defaultdict[Key, _Resolved] = defaultdict(_Resolved)
        parts, rows = parts_of(span), list[tuple[dict[str, Any], int]]()
        if parts.months:
            first, last = parts.months[0], parts.months[-1]
            found = await self._repository.outcomes(first, last, "zone_id", wanted)
            rows += [(row, row["bucket"]) for row in found]
        for days in parts.days:
            found = await self._repository.resolved_between(*days.instants(zone), wanted)
            rows += [(row, bucket_of(row["minutes"])) for row in found]
        for row, bucket in rows:
            for key in (row["zone_id"], ALL):
                resolved[key].add(row, bucket)
        return resolved


def _names(catalog: Catalog, open_now: _Now, *spans: _Done) -> dict[str, str | None]:
    """The city's zones, unknown places, and zones that it had once; by id."""
    seen = set(open_now.open).union(*(span.created.keys() | span.resolved.keys() for span in spans))
    keys = {*catalog.zone_names, UNKNOWN_ZONE, *(key for key in seen if key is not None)}
    return {key: catalog.zone_names.get(key) for key in sorted(keys)}


def _summary(
    key: Key, name: str | None, open_now: _Now, lately: _Done, before: _Done
) -> ZoneSummary:
    done, earlier = (span.resolved.get(key, _Resolved()) for span in (lately, before))
    return ZoneSummary(
        zone_id=key,
        name=name,
        open=open_now.open.get(key, 0),
        overdue=open_now.overdue.get(key, 0),
        median_age_hours=open_now.median_age.get(key),
        created=lately.created.get(key, 0),
        created_before=before.created.get(key, 0),
        resolved=done.count,
        resolved_before=earlier.count,
        met=done.met,
        missed=done.missed,
        met_percent=done.met_percent,
        met_percent_before=earlier.met_percent,
        median_resolution_hours=done.median_hours,
        median_resolution_hours_before=earlier.median_hours,
    )
