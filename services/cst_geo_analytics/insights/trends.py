"""What emerges and what fades: the last days against as many before them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from zoneinfo import ZoneInfo

from cst_city.catalog import Catalog
from cst_contracts.geo_insights import TrendReport, TrendRow, TrendRule
from cst_geo_analytics.domain.insight_queries import TrendsQuery
from cst_geo_analytics.domain.projection import local
from cst_geo_analytics.domain.trend import FALSE_SHARE, MIN_TOTAL, Change, changed
from cst_geo_analytics.domain.zones import Span
from cst_geo_analytics.insights.repository import AnalyticsRepository, Wanted
from cst_geo_analytics.insights.units import FIELDS, Unit, placed, staff_sources
from cst_process.core import Core

#: (Reports without staff's, those that staff typed in) of a unit, lately and before.
_Counts = Mapping[Unit, tuple[int, int]]
_RULE = TrendRule(
    text="Binomial test, two-sided, of the later span's part in both; over everything tested, "
    "Benjamini and Hochberg's procedure holds the part of false ones below false_share",
    false_share=FALSE_SHARE,
    min_total=MIN_TOTAL,
)


class TrendService:
    """Answers from sums by day."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._repository = AnalyticsRepository(core.db)

    async def report(self, query: TrendsQuery, *, staff: bool) -> TrendReport:
        """Return what is reported significantly more, or less, than before.

        Where there are no reports that old both spans are shorter than asked for.

        Raises:
            InvalidInput: an unknown category, or a last day that is none or has not been yet.
        """
        catalog, now = await self._core.catalog.get(), self._core.clock.now()
        query.check(catalog)
        today = local(now, ZoneInfo(catalog.city.timezone)).date()
        span = await self._span(Span.ending(query.last_day(today), query.days), staff=staff)
        recent = await self._counts(span, query, catalog, staff=staff)
        before = await self._counts(span.before, query, catalog, staff=staff)
        found, tested = changed(_spans(recent, before))
        ordered = sorted(found.items(), key=lambda item: (item[1].probability, item[0].order))
        rows = [_row(unit, change, recent, before, catalog) for unit, change in ordered]
        return TrendReport(
            generated_at=now,
            first_day=span.first,
            last_day=span.last,
            before_from=span.before.first,
            before_to=span.before.last,
            rule=_RULE,
            tested=tested,
            emerging=[row for row in rows if row.recent > row.before][: query.limit],
            fading=[row for row in rows if row.recent < row.before][: query.limit],
        )

    async def _span(self, span: Span, *, staff: bool) -> Span:
        """Shorten the span where the one before it would begin before there are reports."""
        wanted: Wanted = {} if staff else {"public": "exact"}
        first, last = span.before.first.isoformat(), span.last.isoformat()
        found = await self._repository.first_day(first, last, wanted)
        if found is None:
            return span
        days = (span.last - date.fromisoformat(found)).days + 1
        return Span.ending(span.last, max(1, min(span.days, days // 2)))

    async def _counts(
        self, span: Span, query: TrendsQuery, catalog: Catalog, *, staff: bool
    ) -> _Counts:
        counts: defaultdict[Unit, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for scope in query.scopes:
            rows = await self._repository.reports(
                span.first.isoformat(),
                span.last.isoformat(),
                (*FIELDS[scope], "category"),
                staff_sources(catalog).keys(),
                query.wanted(staff=staff),
            )
            for unit, row in placed(rows, scope, query.resolution):
                reported, typed_in = counts[unit]
                own = row["n"] - row["by_staff"]
                counts[unit] = (reported + own, typed_in + row["by_staff"])
        return counts


def _spans(recent: _Counts, before: _Counts) -> dict[Unit, tuple[int, int]]:
    """Reports without staff's, of everything in either span."""
    nothing = (0, 0)
    return {
        unit: (recent.get(unit, nothing)[0], before.get(unit, nothing)[0])
        for unit in recent.keys() | before.keys()
    }


def _row(
    unit: Unit, change: Change, recent: _Counts, before: _Counts, catalog: Catalog
) -> TrendRow:
    return TrendRow(
        **unit.fields(catalog),
        recent=change.recent,
        before=change.before,
        ratio=None if change.ratio is None else round(change.ratio, 3),
        probability=change.probability,
        typed_in_recent=recent.get(unit, (0, 0))[1],
        typed_in_before=before.get(unit, (0, 0))[1],
    )
