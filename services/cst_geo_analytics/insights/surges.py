"""Surges: what is reported far more often on a day than its own history leads to expect."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cst_city.catalog import Catalog
from cst_contracts.geo_insights import AgainstHistory, SurgeReport, SurgeRow, SurgeRule
from cst_geo_analytics.domain.insight_queries import Scope, SurgesQuery
from cst_geo_analytics.domain.projection import local
from cst_geo_analytics.domain.surge import (
    MAX_PROBABILITY,
    MIN_COUNT,
    MIN_HISTORY,
    MIN_RATIO,
    ONE_HOUR_SHARE,
    Day,
    Judged,
    Verdict,
    judge,
)
from cst_geo_analytics.insights.repository import AnalyticsRepository, Wanted
from cst_geo_analytics.insights.units import FIELDS, Unit, filter_of, placed, staff_sources
from cst_ledger.events import Document
from cst_process.core import Core

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class _History:
    """The days before the judged one that there are reports of."""

    first: date
    day: date

    @property
    def days(self) -> list[str]:
        return [(self.first + n * _DAY).isoformat() for n in range((self.day - self.first).days)]


class SurgeService:
    """Answers from sums by day: the day's own, and the history of what is frequent on it."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._repository = AnalyticsRepository(core.db)

    async def report(self, query: SurgesQuery, *, staff: bool) -> SurgeReport:
        """Return a day's surges, and what looks like one and is none.

        Raises:
            InvalidInput: an unknown category, or a day that is none or has not been yet.
        """
        catalog, now = await self._core.catalog.get(), self._core.clock.now()
        query.check(catalog)
        day = query.last_day(local(now, ZoneInfo(catalog.city.timezone)).date())
        history = await self._history(day, query.history, staff=staff)
        days, verdicts = await self._judged(query, history, catalog, staff=staff)
        found = {unit: verdict for unit, verdict in verdicts.items() if verdict is not None}
        rows = [
            _row(unit, days[unit], verdict, catalog)
            for unit, verdict in sorted(found.items(), key=_least_likely)
        ]
        return SurgeReport(
            generated_at=now,
            day=day,
            history_from=history.first,
            history_days=len(history.days),
            rule=_rule(catalog),
            tested=len(verdicts),
            surges=[row for row in rows if not row.reasons][: query.limit],
            not_surges=[row for row in rows if row.reasons][: query.limit],
        )

    async def _history(self, day: date, longest: int, *, staff: bool) -> _History:
        """It begins where there are reports: before, nobody counted, and zeros mean nothing."""
        first, last = day - longest * _DAY, day - _DAY
        wanted: Wanted = {} if staff else {"public": "exact"}
        found = await self._repository.first_day(first.isoformat(), last.isoformat(), wanted)
        return _History(day if found is None else date.fromisoformat(found), day)

    async def _judged(
        self, query: SurgesQuery, history: _History, catalog: Catalog, *, staff: bool
    ) -> tuple[dict[Unit, Day], dict[Unit, Verdict | None]]:
        days: dict[Unit, Day] = {}
        verdicts: dict[Unit, Verdict | None] = {}
        if len(history.days) < MIN_HISTORY:
            return days, verdicts
        wanted, sources = query.wanted(staff=staff), frozenset(staff_sources(catalog))
        rows = await self._repository.of_day(history.day.isoformat(), wanted)
        for scope in query.scopes:
            frequent = _frequent(rows, scope, query.resolution)
            past = await self._past(frequent, scope, query.resolution, history, sources, wanted)
            for unit, day in frequent.items():
                series = [past[unit].get(each, (0, 0)) for each in history.days]
                days[unit], verdicts[unit] = day, judge(day, series, sources)
        return days, verdicts

    async def _past(
        self,
        units: Mapping[Unit, Day],
        scope: Scope,
        resolution: int,
        history: _History,
        sources: frozenset[str],
        wanted: Wanted,
    ) -> Mapping[Unit, Mapping[str, tuple[int, int]]]:
        """Return (reports, those of staff's sources) by unit and day, where there are any."""
        past: defaultdict[Unit, dict[str, tuple[int, int]]] = defaultdict(dict)
        if not units:
            return past
        rows = await self._repository.reports(
            history.days[0],
            history.days[-1],
            (*FIELDS[scope], "category", "day"),
            sources,
            {**wanted, **filter_of(units, scope)},
        )
        for unit, row in placed(rows, scope, resolution):
            count, by_staff = past[unit].get(row["day"], (0, 0))
            past[unit][row["day"]] = (count + row["n"], by_staff + row["by_staff"])
        return past


def _frequent(rows: list[Document], scope: Scope, resolution: int) -> dict[Unit, Day]:
    """What has enough reports on the day to be a surge at all."""
    days: defaultdict[Unit, Day] = defaultdict(Day)
    for unit, row in placed(rows, scope, resolution):
        days[unit].add(row["n"], row["sources"], row["hours"])
    return {unit: day for unit, day in days.items() if day.count >= MIN_COUNT}


def _least_likely(item: tuple[Unit, Verdict]) -> tuple[Any, ...]:
    unit, verdict = item
    judged = verdict.rest if verdict.is_surge else verdict.whole
    return judged.probability, -judged.count, unit.order


def _rule(catalog: Catalog) -> SurgeRule:
    return SurgeRule(
        min_count=MIN_COUNT,
        min_ratio=MIN_RATIO,
        max_probability=MAX_PROBABILITY,
        min_history=MIN_HISTORY,
        one_hour_share=ONE_HOUR_SHARE,
        staff_sources=sorted(staff_sources(catalog).values()),
    )


def _row(unit: Unit, day: Day, verdict: Verdict, catalog: Catalog) -> SurgeRow:
    hour, count = day.peak
    return SurgeRow(
        **unit.fields(catalog),
        all_reports=_against(verdict.whole),
        without_typed_in=_against(verdict.rest),
        typed_in=verdict.typed_in,
        sources={name: n for name, n in sorted(day.sources.items()) if n},
        peak_hour=hour,
        peak_hour_count=count,
        reasons=list(verdict.reasons),
    )


def _against(judged: Judged) -> AgainstHistory:
    baseline = judged.baseline
    return AgainstHistory(
        count=judged.count,
        expected=round(baseline.expected, 3),
        spread=round(baseline.spread, 3),
        median=baseline.median,
        mean=round(baseline.mean, 3),
        most=baseline.most,
        ratio=round(judged.ratio, 2),
        z=round(judged.z, 2),
        probability=judged.probability,
    )
