"""From rows of facts, many at a time or one, to a report."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cst_contracts.analytics import Backlog, KpiReport, KpiRow
from cst_contracts.enums import OPEN_STATUSES
from cst_sla.domain.facts import SPANS, Row
from cst_sla.domain.kpi_query import UNASSIGNED, KpiQuery

#: What rows of one batch have in common; ``week`` bounds the batches.
SAME = ("status", "is_master", "sla_state", "breached", "rating", "week")
SUMMED = ("escalations", "reopened")
GATHERED = (*SPANS, "open_since")
#: Upper bounds of the ages of `Backlog`, but for the last.
AGES = tuple(timedelta(days=days) for days in (1, 3, 7, 30, 90))

#: Rows that have all of ``SAME`` in common: those, and ``key``, how many they are (``n``), sums of
#: ``SUMMED``, and lists of what they have of ``GATHERED``.
Batch = Mapping[str, Any]


def batch_of(row: Row, field: str | None, n: int) -> Batch:
    """Return one row as a batch; with ``n`` = -1 it is taken out again."""
    batch: dict[str, Any] = {name: row.get(name) for name in SAME}
    batch |= {name: n * row.get(name, 0) for name in SUMMED}
    batch |= {name: [row[name]] if name in row else [] for name in GATHERED}
    return batch | {"n": n, "key": None if field is None else row[field]}


def _lists() -> defaultdict[str, list[Any]]:
    return defaultdict(list)


@dataclass
class Tally:
    """What batches come to."""

    requests: int = 0
    duplicates: int = 0
    breaches: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    ratings: Counter[int] = field(default_factory=Counter)
    sums: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SUMMED, 0))
    put_in: defaultdict[str, list[Any]] = field(default_factory=_lists)
    taken_out: defaultdict[str, list[Any]] = field(default_factory=_lists)

    def add(self, batch: Batch) -> None:
        n = batch["n"]
        if batch["rating"] is not None:
            self.ratings[batch["rating"]] += n
        if not batch["is_master"]:
            self.duplicates += n
            return
        self.requests += n
        self.breaches += n if batch["breached"] else 0
        self.statuses[batch["status"]] += n
        self.states[batch["sla_state"]] += n
        for name in SUMMED:
            self.sums[name] += batch[name]
        values = self.put_in if n > 0 else self.taken_out
        for name in GATHERED:
            values[name] += batch[name]

    def values(self, name: str) -> list[Any]:
        """Return what is left of what was gathered, sorted."""
        if not self.taken_out[name]:
            return sorted(self.put_in[name])
        left = Counter(self.put_in[name])
        left.subtract(self.taken_out[name])
        return sorted(left.elements())

    def row(self, key: str | None, at: datetime) -> KpiRow:
        """Return the KPIs; backlog ages are those at ``at``."""
        met, missed, rated = self.states["met"], self.states["missed"], self.ratings.total()
        stars = sum(rating * n for rating, n in self.ratings.items())
        return KpiRow(
            key=key,
            requests=self.requests,
            duplicates=self.duplicates,
            open=sum(self.statuses[status] for status in OPEN_STATUSES),
            by_status={status: n for status, n in sorted(self.statuses.items()) if n},
            met=met,
            missed=missed,
            met_percent=round(100 * met / (met + missed), 2) if met + missed else None,
            breaches=self.breaches,
            **self.sums,
            **self._times(),
            backlog=backlog(self.values("open_since"), at),
            ratings=rated,
            mean_rating=round(stars / rated, 2) if rated else None,
        )

    def _times(self) -> dict[str, Any]:
        wall, business, response = (self.values(name) for name in SPANS)
        return {
            "resolved": len(wall),
            "mean_resolution_minutes": _minutes(sum(wall) / len(wall)) if wall else None,
            "median_resolution_minutes": _minutes(percentile(wall, 0.5)),
            "p90_resolution_minutes": _minutes(percentile(wall, 0.9)),
            "median_business_minutes": _minutes(percentile(business, 0.5)),
            "p90_business_minutes": _minutes(percentile(business, 0.9)),
            "responded": len(response),
            "median_first_response_minutes": _minutes(percentile(response, 0.5)),
            "p90_first_response_minutes": _minutes(percentile(response, 0.9)),
        }


def percentile(ordered: Sequence[int], p: float) -> float | None:
    """Return the value at position ``p`` (n - 1), in proportion between two; None of none."""
    if not ordered:
        return None
    whole, rest = divmod(p * (len(ordered) - 1), 1)
    low = ordered[int(whole)]
    return low + rest * (ordered[int(whole) + 1] - low) if rest else low


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 60, 2)


def backlog(open_since: Iterable[datetime], at: datetime) -> Backlog:
    """Return how many of what is open are how old at ``at``."""
    counts = Counter(bisect_left(AGES, at - since) for since in open_since)
    return Backlog(**{name: counts[place] for place, name in enumerate(Backlog.model_fields)})


def report_of(
    batches: Iterable[Batch], query: KpiQuery, *, now: datetime, as_of: datetime | None
) -> KpiReport:
    """Return totals, and a row for each group where groups are asked for and it has any."""
    totals, groups = Tally(), defaultdict[str, Tally](Tally)
    for batch in batches:
        totals.add(batch)
        if query.group_by is not None:
            key = batch["key"]
            groups[UNASSIGNED if key is None else str(key)].add(batch)
    at = as_of or now
    rows = [groups[key].row(key, at) for key in sorted(groups)]
    return KpiReport(
        generated_at=now,
        as_of=as_of,
        group_by=query.group_by,
        totals=totals.row(None, at),
        groups=[row for row in rows if row.requests or row.duplicates],
    )
