"""Rows of both formats: what they mean, and what is wrong with bad ones."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cst_geo import leaf_cell
from cst_intake.domain.imports import FORMATS, History, Reference, RowProblem

BOSTON_ROW = {
    "CASE_ENQUIRY_ID": "101001240734",
    "OPEN_DT": "01/01/2015 12:20:09 AM",
    "TARGET_DT": "01/16/2015 08:30:00 AM",
    "CLOSED_DT": "01/02/2015 09:08:42 AM",
    "CASE_STATUS": "Closed",
    "REASON": "Highway Maintenance",
    "TYPE": "Pothole",
    "Location": "33 Beacon St  Boston  MA  02108",
    "LATITUDE": "40.758",
    "LONGITUDE": "-73.9855",
}
CSV_ROW = {
    "id": "A-1",
    "category": "pothole",
    "description": "A deep hole",
    "created_at": "2026-03-02T15:00:00-05:00",
    "closed_at": "",
    "due_at": "",
    "lon": "-74.0",
    "lat": "40.71",
    "address": "",
    "source": "",
}
ROWS = {"boston": BOSTON_ROW, "csv": CSV_ROW}


def _read(reference: Reference, fmt: str, **cells: str) -> History:
    return FORMATS[fmt].read(ROWS[fmt] | cells, reference)


def test_a_row_of_boston(reference: Reference) -> None:
    history = _read(reference, "boston")
    assert history.key == ("boston311", "101001240734")
    assert (history.category.code, history.category.priority) == ("pothole", "P3")
    assert history.description == "Highway Maintenance: Pothole"
    assert history.created_at == datetime(2015, 1, 1, 5, 20, 9, tzinfo=UTC)
    assert history.closed_at == datetime(2015, 1, 2, 14, 8, 42, tzinfo=UTC)
    assert history.due_at == datetime(2015, 1, 16, 13, 30, tzinfo=UTC)
    assert history.address == "33 Beacon St, Boston, MA, 02108"
    assert history.location == {
        "type": "Point",
        "coordinates": [-73.9855, 40.758],
        "zone_id": "MN05",
        "h3": leaf_cell(-73.9855, 40.758),
        "located": True,
        "snapped": False,
    }


def test_a_reason_that_only_repeats_the_type_is_not_said_twice(reference: Reference) -> None:
    assert _read(reference, "boston", REASON="Pothole").description == "Pothole"
    assert _read(reference, "boston", REASON="").description == "Pothole"


def test_the_year_is_the_local_one(reference: Reference) -> None:
    history = _read(reference, "boston", OPEN_DT="12/31/2015 11:10:09 PM")
    assert (history.created_at.year, history.year) == (2016, 2015)


def test_a_row_of_csv(reference: Reference) -> None:
    history = _read(reference, "csv")
    assert history.key == ("csv", "A-1")
    assert history.created_at == datetime(2026, 3, 2, 20, tzinfo=UTC)
    assert (history.closed_at, history.due_at, history.address) == (None, None, None)
    assert _read(reference, "csv", source="old-crm").key == ("old-crm", "A-1")
    assert _read(reference, "csv", category="Street Condition").category.code == "pothole"


def test_optional_columns_may_be_absent(reference: Reference) -> None:
    fmt = FORMATS["csv"]
    history = fmt.read({name: CSV_ROW[name] for name in fmt.required}, reference)
    assert not history.location["located"]


def test_unknown_places(reference: Reference, reference_without_unknown_points: Reference) -> None:
    on_the_point = _read(reference, "csv", lon="-73.9", lat="40.8").location
    nowhere = _read(reference, "csv", lon="", lat=" ").location
    assert on_the_point == nowhere
    assert (nowhere["zone_id"], nowhere["h3"], nowhere["located"]) == ("UNKNOWN", None, False)
    middle = _read(reference_without_unknown_points, "csv", lon="", lat="").location
    west, south, east, north = reference.city.bbox
    assert middle["coordinates"] == [(west + east) / 2, (south + north) / 2]


@pytest.mark.parametrize(
    ("fmt", "column", "value", "reason"),
    [
        ("boston", "CASE_ENQUIRY_ID", "", "is blank"),
        ("boston", "OPEN_DT", "", "is blank"),
        ("boston", "OPEN_DT", "soon", "is not a time of the form"),
        ("boston", "TARGET_DT", "02/30/2015 10:00:00 AM", "day"),
        ("boston", "CLOSED_DT", "", "is blank, but it is Closed"),
        ("boston", "CASE_STATUS", "Pending", "neither Open nor Closed"),
        ("boston", "TYPE", "Potholes", "names no category of .*; did it mean 'Pothole'"),
        ("boston", "TYPE", "", "is blank"),
        ("boston", "Location", "x" * 301, "has 301 characters, at most 300"),
        ("csv", "id", "x" * 101, "has 101 characters"),
        ("csv", "category", "dragon", "names no category of New York City$"),
        ("csv", "description", " ", "is blank"),
        ("csv", "description", "caf\udce9", "is not UTF-8"),
        ("csv", "created_at", "2026-03-02", "no offset"),
        ("csv", "lon", "west", "is not a number"),
        ("csv", "lat", "", "is blank, but its counterpart is not"),
    ],
)
def test_what_is_wrong_is_named(
    reference: Reference, fmt: str, column: str, value: str, reason: str
) -> None:
    with pytest.raises(RowProblem, match=reason) as caught:
        _read(reference, fmt, **{column: value})
    assert caught.value.column == column
    assert caught.value.value == value.strip()[:200]


@pytest.mark.parametrize(
    ("lon", "lat", "reason"),
    [
        ("-71.06", "42.36", "outside the service area"),
        ("0", "0", "outside the service area"),
        ("-74.0", "91", "latitude must lie"),
        ("nan", "40.71", "longitude must lie"),
    ],
)
def test_a_place_that_is_none_of_the_citys(
    reference: Reference, lon: str, lat: str, reason: str
) -> None:
    with pytest.raises(RowProblem, match=reason) as caught:
        _read(reference, "csv", lon=lon, lat=lat)
    assert (caught.value.column, caught.value.value) == ("lon, lat", f"{lon}, {lat}")


def test_text_beyond_ascii_is_kept(reference: Reference) -> None:
    text = "Nid-de-poule près de l’école 🕳️"
    assert _read(reference, "csv", description=text).description == text


def test_a_closed_time_of_an_open_request_is_a_contradiction(reference: Reference) -> None:
    with pytest.raises(RowProblem, match="CASE_STATUS is Open") as caught:
        _read(reference, "boston", CASE_STATUS="Open")
    assert caught.value.column == "CLOSED_DT"
