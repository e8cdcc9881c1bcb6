"""What a KPI query asks for, and what it is answered as."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from bson import ObjectId
from pydantic import ValidationError

from cst_city.catalog import Catalog
from cst_contracts.analytics import KpiReport
from cst_core.errors import InvalidInput
from cst_sla.domain.kpi_csv import COLUMNS, csv_of, wanted_format
from cst_sla.domain.kpi_query import KpiQuery
from cst_sla.domain.kpi_report import batch_of, report_of
from cst_testkit.factories import CREATED_AT

ROW: dict[str, Any] = {
    "category": "pothole",
    "department": "DOT",
    "zone_id": "MN01",
    "priority": "P3",
    "status": "closed",
    "agent": None,
    "is_master": True,
    "day": "2026-03-02",
    "week": "2026-W10",
    "sla_state": "met",
    "breached": False,
    "escalations": 0,
    "reopened": 0,
    "seconds": 5400,
}
AGENT = "0" * 23 + "1"


@pytest.mark.parametrize(
    ("query", "passes"),
    [
        ({}, True),
        ({"category": ["graffiti", "pothole"]}, True),
        ({"zone_id": ["MN02"]}, False),
        ({"department": ["DOT"], "status": ["closed"]}, True),
        ({"agent_id": [AGENT]}, False),
        ({"agent_id": [AGENT, "unassigned"]}, True),
        ({"day_from": "2026-03-02", "day_to": "2026-03-02"}, True),
        ({"day_from": "2026-03-03"}, False),
        ({"day_to": "2026-03-01"}, False),
    ],
)
def test_a_row_passes_what_it_is_asked_for(query: dict[str, Any], passes: bool) -> None:
    assert KpiQuery(**query).keeps(ROW) == passes


def test_agents_are_object_ids_and_nobody_is_none() -> None:
    wanted = KpiQuery(agent_id=[AGENT, "unassigned"]).wanted()
    assert wanted == {"agent": {"$in": [ObjectId(AGENT), None]}}


@pytest.mark.parametrize(
    ("query", "field", "allowed"),
    [
        ({"category": ["potole"]}, "category", ["pothole"]),
        ({"zone_id": ["ZZ99"]}, "zone_id", None),
        ({"day_from": "2026-02-30"}, "day_from", ["YYYY-MM-DD"]),
        ({"day_to": "2026-13-01"}, "day_to", ["YYYY-MM-DD"]),
        ({"day_from": "2026-03-02", "day_to": "2026-03-01"}, "day_from", ["at most 2026-03-01"]),
    ],
)
def test_what_the_city_does_not_have_is_named(
    catalog: Catalog, query: dict[str, Any], field: str, allowed: list[str] | None
) -> None:
    with pytest.raises(InvalidInput) as refused:
        KpiQuery(**query).check(catalog)
    [error] = refused.value.members["errors"]
    assert error["field"] == field
    assert error["value"] in (query[field], query[field][0])
    assert error["allowed"]
    assert allowed is None or error["allowed"] == allowed


@pytest.mark.parametrize(
    "query", [{"group_by": "mood"}, {"agent_id": ["me"]}, {"format": "xml"}, {"day_to": "today"}]
)
def test_what_no_city_has_is_refused(query: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        KpiQuery(**query)


@pytest.mark.parametrize(
    ("query", "plain"),
    [({}, True), ({"format": "csv"}, True), ({"group_by": "day"}, False), ({"as_of": "x"}, False)],
)
def test_only_current_totals_are_plain(query: dict[str, Any], plain: bool) -> None:
    assert KpiQuery(**query).is_plain == plain


@pytest.mark.parametrize(
    ("chosen", "accept", "wanted"),
    [
        (None, None, "json"),
        (None, "*/*", "json"),
        (None, "text/html,application/xml;q=0.9,*/*;q=0.8", "json"),
        (None, "text/csv", "csv"),
        (None, "Text/CSV;header=present, */*;q=0.1", "csv"),
        (None, "text/csv, */*", "csv"),
        (None, "application/json, text/csv", "json"),
        (None, "application/json;q=0.5, text/csv;q=0.6", "csv"),
        (None, "text/csv;q=0", "json"),
        (None, "text/csv;q=0.5, */*", "json"),
        (None, "text/csv;q=much", "json"),
        ("json", "text/csv", "json"),
        ("csv", "application/json", "csv"),
    ],
)
def test_the_format_is_what_the_caller_prefers(
    chosen: Any, accept: str | None, wanted: str
) -> None:
    assert wanted_format(chosen, accept) == wanted


def answered(rows: list[dict[str, Any]], **query: Any) -> KpiReport:
    wanted = KpiQuery(**query)
    batches = [batch_of(row, wanted.group_field, +1) for row in rows]
    return report_of(batches, wanted, now=CREATED_AT, as_of=None)


def test_groups_are_lines_below_a_header() -> None:
    report = answered([ROW, ROW | {"zone_id": "MN02", "status": "new"}], group_by="zone")
    text = csv_of(report)
    assert text.count("\r\n") == text.count("\n") == 3
    one, two = csv.DictReader(io.StringIO(text))
    assert list(one) == COLUMNS
    assert (one["key"], one["status_closed"], one["status_new"]) == ("MN01", "1", "0")
    assert (one["median_resolution_minutes"], one["mean_rating"]) == ("90.0", "")
    assert (two["key"], two["status_new"]) == ("MN02", "1")


def test_totals_are_one_line_without_a_key() -> None:
    [line] = csv.DictReader(io.StringIO(csv_of(answered([ROW, ROW]))))
    assert (line["key"], line["requests"], line["met_percent"]) == ("", "2", "100.0")


@pytest.mark.parametrize("key", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_key_is_a_formula(key: str) -> None:
    text = csv_of(answered([ROW | {"zone_id": key}], group_by="zone"))
    [line] = csv.DictReader(io.StringIO(text, newline=""))
    assert line["key"] == f"'{key}"


def test_a_key_with_commas_and_quotes_is_one_cell() -> None:
    text = csv_of(answered([ROW | {"zone_id": 'Downtown, "West"'}], group_by="zone"))
    [line] = csv.DictReader(io.StringIO(text))
    assert line["key"] == 'Downtown, "West"'


def test_every_kpi_is_a_column() -> None:
    spread = {"by_status", "backlog"}
    assert set(KpiReport.model_fields["totals"].annotation.model_fields) - spread <= set(COLUMNS)
    assert len(COLUMNS) == len(set(COLUMNS))
