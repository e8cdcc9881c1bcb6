"""Reports against the same numbers counted one row at a time, and percentiles against numpy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from cst_contracts.analytics import KpiReport, KpiRow
from cst_contracts.enums import OPEN_STATUSES, STATUSES
from cst_sla.domain.facts import Row
from cst_sla.domain.kpi_query import KpiQuery
from cst_sla.domain.kpi_report import (
    GATHERED,
    SAME,
    SUMMED,
    backlog,
    batch_of,
    percentile,
    report_of,
)
from cst_testkit.factories import CREATED_AT

HOUR = timedelta(hours=1)
AGENTS = [ObjectId(f"{n:024x}") for n in range(3)]
NOW = CREATED_AT + timedelta(days=100)
seconds = st.integers(0, 10**8)


@st.composite
def facts(draw: st.DrawFn) -> Row:
    day = draw(st.integers(1, 28))
    row: Row = {
        "category": draw(st.sampled_from(("pothole", "graffiti"))),
        "department": draw(st.sampled_from(("DOT", "unknown"))),
        "zone_id": draw(st.sampled_from(("MN01", "UNKNOWN"))),
        "priority": draw(st.sampled_from(("P1", "P4"))),
        "status": draw(st.sampled_from(STATUSES)),
        "agent": draw(st.none() | st.sampled_from(AGENTS)),
        "is_master": draw(st.booleans()),
        "day": f"2026-03-{day:02}",
        "week": f"2026-W{9 + day // 7:02}",
    }
    if draw(st.booleans()):
        row["rating"] = draw(st.integers(1, 5))
    return row | draw(measured(row["status"])) if row["is_master"] else row


@st.composite
def measured(draw: st.DrawFn, status: str) -> Row:
    states = ("none", "on_track", "at_risk", "overdue", "breached", "met", "missed")
    row: Row = {
        "sla_state": draw(st.sampled_from(states)),
        "breached": draw(st.booleans()),
        "escalations": draw(st.integers(0, 3)),
        "reopened": draw(st.integers(0, 2)),
    }
    if status in OPEN_STATUSES:
        row["open_since"] = NOW - draw(st.integers(0, 4000)) * HOUR
    for name in ("seconds", "business_seconds", "response_seconds"):
        if draw(st.booleans()):
            row[name] = draw(seconds)
    return row


def batches(rows: Iterable[Row], field: str | None) -> list[dict[str, Any]]:
    """Put rows together as the database does."""
    found: defaultdict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        key = (None if field is None else row[field], *(row.get(name) for name in SAME))
        found[key].append(row)
    return [
        {
            **dict(zip(("key", *SAME), key, strict=True)),
            "n": len(group),
            **{name: sum(row.get(name, 0) for row in group) for name in SUMMED},
            **{name: [row[name] for row in group if name in row] for name in GATHERED},
        }
        for key, group in found.items()
    ]


def report(rows: Iterable[Row], **query: Any) -> KpiReport:
    wanted = KpiQuery(**query)
    return report_of(batches(rows, wanted.group_field), wanted, now=NOW, as_of=None)


def minutes(values: Sequence[int], percent: float) -> Any:
    return pytest.approx(np.percentile(values, percent) / 60, abs=0.006) if values else None


def assert_counts(found: KpiRow, rows: Sequence[Row]) -> None:
    masters = [row for row in rows if row["is_master"]]
    met, missed = (sum(r["sla_state"] == state for r in masters) for state in ("met", "missed"))
    assert (found.requests, found.duplicates) == (len(masters), len(rows) - len(masters))
    assert found.open == sum(row["status"] in OPEN_STATUSES for row in masters)
    assert sum(found.by_status.values()) == len(masters)
    assert (found.met, found.missed) == (met, missed)
    share = 100 * met / (met + missed) if met + missed else None
    assert found.met_percent == (None if share is None else pytest.approx(share, abs=0.006))
    assert found.breaches == sum(row["breached"] for row in masters)
    assert found.escalations == sum(row["escalations"] for row in masters)
    assert found.reopened == sum(row["reopened"] for row in masters)
    stars = [row["rating"] for row in rows if "rating" in row]
    assert found.ratings == len(stars)
    assert found.mean_rating == (pytest.approx(np.mean(stars), abs=0.006) if stars else None)
    assert sum(found.backlog.model_dump().values()) == found.open


def assert_times(found: KpiRow, rows: Sequence[Row]) -> None:
    wall, business, response = (
        [row[name] for row in rows if name in row]
        for name in ("seconds", "business_seconds", "response_seconds")
    )
    assert (found.resolved, found.responded) == (len(wall), len(response))
    mean = pytest.approx(np.mean(wall) / 60, abs=0.006) if wall else None
    assert found.mean_resolution_minutes == mean
    assert found.median_resolution_minutes == minutes(wall, 50)
    assert found.p90_resolution_minutes == minutes(wall, 90)
    assert found.median_business_minutes == minutes(business, 50)
    assert found.p90_business_minutes == minutes(business, 90)
    assert found.median_first_response_minutes == minutes(response, 50)
    assert found.p90_first_response_minutes == minutes(response, 90)


GROUPS = {
    "category": "category",
    "zone": "zone_id",
    "priority": "priority",
    "status": "status",
    "department": "department",
    "agent": "agent",
    "day": "day",
    "week": "week",
}


@given(st.lists(facts(), max_size=30), st.sampled_from(sorted(GROUPS)))
def test_a_report_is_what_its_rows_come_to(rows: list[Row], group_by: str) -> None:
    answer = report(rows, group_by=group_by)
    assert_counts(answer.totals, rows)
    assert_times(answer.totals, rows)
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        value = row[GROUPS[group_by]]
        groups["unassigned" if value is None else str(value)].append(row)
    assert [row.key for row in answer.groups] == sorted(groups)
    for found in answer.groups:
        assert_counts(found, groups[str(found.key)])
        assert_times(found, groups[str(found.key)])


@given(st.lists(st.tuples(facts(), st.booleans()), max_size=20))
def test_what_is_taken_out_again_was_never_there(rows: list[tuple[Row, bool]]) -> None:
    query = KpiQuery(group_by="category")
    kept = [row for row, gone in rows if not gone]
    back = [batch_of(row, "category", -1) for row, gone in rows if gone]
    everything = batches([row for row, _ in rows], "category")
    assert report_of([*everything, *back], query, now=NOW, as_of=None) == report_of(
        [batch_of(row, "category", +1) for row in kept], query, now=NOW, as_of=None
    )


def test_without_a_group_there_are_totals_only() -> None:
    assert report([]).groups == []
    assert report([]).totals.median_resolution_minutes is None


@given(st.lists(seconds, min_size=1, max_size=50), st.floats(0, 1))
def test_percentiles_are_numpys(values: list[int], p: float) -> None:
    assert percentile(sorted(values), p) == pytest.approx(np.percentile(values, 100 * p))


def test_of_ten_the_ninetieth_percentile_lies_between_the_last_two() -> None:
    ten = range(10, 110, 10)
    assert [percentile(ten, p) for p in (0, 0.5, 0.9, 1)] == [10, 55, 91, 100]
    assert percentile([], 0.5) is None


@pytest.mark.parametrize(
    ("hours", "bucket"),
    [
        *((0, "up_to_1_day"), (24, "up_to_1_day"), (24.01, "up_to_3_days"), (72, "up_to_3_days")),
        *((73, "up_to_7_days"), (169, "up_to_30_days"), (721, "up_to_90_days")),
        *((90 * 24, "up_to_90_days"), (90 * 24 + 1, "over_90_days"), (-1, "up_to_1_day")),
    ],
)
def test_an_open_request_is_in_the_first_bucket_that_holds_its_age(
    hours: float, bucket: str
) -> None:
    found = backlog([NOW - hours * HOUR], NOW).model_dump()
    assert {name for name, n in found.items() if n} == {bucket}
