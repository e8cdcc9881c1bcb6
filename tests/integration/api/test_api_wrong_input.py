"""Wrong input: a 4xx that says what is wrong and where, and nothing is stored."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
from bson import ObjectId

from cst_intake.domain.search import make_cursor
from cst_testkit.apps import Api, report

#: A cursor whose form is right, but whose instant lies before the first that UTC can tell.
BEFORE_TIME = make_cursor(
    datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=23))), ObjectId("0" * 24)
)
JSON = {"Content-Type": "application/json"}


def at(*coordinates: Any, **fields: Any) -> dict[str, Any]:
    return {"location": {"type": "Point", "coordinates": list(coordinates), **fields}}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in report().items() if key != name}


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Return the problem document, which must be one and say ``status``."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["instance"] == answer.request.url.path
    return body


async def refused(api: Api, content: bytes, status: int = 422, **headers: str) -> dict[str, Any]:
    """Post ``content``, which must be refused with nothing stored."""
    before = await api.stored()
    answer = await api.client.post("/requests/", content=content, headers=JSON | headers)
    assert await api.stored() == before
    return problem(answer, status)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (without("category"), "category"),
        (without("description"), "description"),
        (without("location"), "location"),
        (report(description=""), "description"),
        (report(description="   "), "description"),
        (report(description="x" * 4001), "description"),
        (report(description=None), "description"),
        (report(description=["a"]), "description"),
        (report(category=""), "category"),
        (report(colour="red"), "colour"),
        (report(tags=["x" * 51]), "tags.0"),
        (report(tags=["x"] * 21), "tags"),
        (report(citizen_ref={"citizen_id": "me"}), "citizen_ref.citizen_id"),
        (report(citizen_ref={"contact_channel": "fax"}), "citizen_ref.contact_channel"),
        (report(**at(40.71, -74.0)), "location.coordinates"),
        (report(**at(-181, 40.71)), "location.coordinates.0"),
        (report(**at(-74.0, 90.5)), "location.coordinates.1"),
        (report(**at(float("nan"), 40.71)), "location.coordinates.0"),
        (report(**at(-74.0, float("inf"))), "location.coordinates.1"),
        (report(**at("west", "north")), "location.coordinates.0"),
        (report(**at(-74.0)), "location.coordinates.1"),
        (report(**at(-74.0, 40.71, 3.0)), "location.coordinates"),
        (report(**at(None, None)), "location.coordinates.0"),
        (report(**at(-74.0, 40.71, address_hint="x" * 301)), "location.address_hint"),
        (report(**at(-74.0, 40.71, zone_id="MN01")), "location.zone_id"),
        (report(location={"type": "Polygon", "coordinates": [-74.0, 40.71]}), "location.type"),
        (report(**at(2.35, 48.85)), "location.coordinates"),
        (report(**at(0, 0)), "location.coordinates"),
    ],
)
async def test_a_wrong_field_is_named(api: Api, body: dict[str, Any], field: str) -> None:
    answer = await refused(api, json.dumps(body).encode())
    assert field in [error["field"] for error in answer["errors"]]
    assert all(error["message"] for error in answer["errors"])


async def test_every_wrong_field_is_named_at_once(api: Api) -> None:
    answer = await refused(api, json.dumps(report(description="", category="", x=1)).encode())
    assert {error["field"] for error in answer["errors"]} == {"description", "category", "x"}


async def test_an_unknown_category_names_close_ones(api: Api) -> None:
    answer = await refused(api, json.dumps(report(category="potole")).encode())
    assert "pothole" in answer["errors"][0]["allowed"]
    answer = await refused(api, json.dumps(report(category="qqqq")).encode())
    assert {"pothole", "graffiti"} <= set(answer["errors"][0]["allowed"])


async def test_a_point_outside_the_city_says_which_city(api: Api) -> None:
    answer = await refused(api, json.dumps(report(**at(-71.06, 42.36))).encode())
    assert "outside the service area of New York City" in answer["detail"]
    assert answer["errors"][0]["value"] == [-71.06, 42.36]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'"text"', b"null", b'{"a": 1,}', b"[" * 500]
)
async def test_what_is_no_json_object_is_refused(api: Api, content: bytes) -> None:
    await refused(api, content)


async def test_what_is_no_text_is_refused(api: Api) -> None:
    await refused(api, b"\xff\xfe\x00", 400)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data"])
async def test_another_content_type_is_refused(api: Api, kind: str) -> None:
    await refused(api, json.dumps(report()).encode(), **{"Content-Type": kind})


async def test_a_body_over_one_mebibyte_is_too_large(api: Api) -> None:
    await refused(api, b" " * (1024 * 1024) + b"{}", 413)


async def test_a_body_that_grows_over_the_limit_unannounced_is_too_large(api: Api) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 65536

    before = await api.stored()
    answer = await api.client.post("/requests/", content=chunks(), headers=JSON)
    assert problem(answer, 413)["type"] == "/problems/too-large"
    assert await api.stored() == before


async def test_a_wrong_value_is_shown_cut(api: Api) -> None:
    answer = await refused(api, json.dumps(report(description="x" * 100_000)).encode())
    assert len(answer["errors"][0]["value"]) <= 200


@pytest.mark.parametrize(
    "path",
    [
        "/requests/nonsense",
        "/requests/CST-2026-1",
        "/requests/CST-2026-0001%20",
        "/requests/cst-2026-0001/events",
        "/requests/1/audit",
        "/agents/nonsense",
    ],
)
async def test_an_id_of_another_form_is_refused(api: Api, path: str) -> None:
    answer = await api.client.get(path, headers=api.as_("admin"))
    assert problem(answer, 422)["errors"][0]["in"] == "path"


@pytest.mark.parametrize(
    "path", ["/requests/CST-1999-0001", f"/agents/{'0' * 24}", "/nowhere", "/requests/a/b/c"]
)
async def test_what_does_not_exist_is_not_found(api: Api, path: str) -> None:
    problem(await api.client.get(path, headers=api.as_("admin")), 404)


async def test_a_method_that_a_path_does_not_have(api: Api) -> None:
    assert problem(await api.client.delete("/requests/"), 405)["type"].endswith("not-allowed")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("cursor=nonsense", "cursor"),
        ("cursor=bm9uc2Vuc2U", "cursor"),
        ("cursor=%C3%A9", "cursor"),
        (f"cursor={BEFORE_TIME}", "cursor"),
        ("bbox=1,2,3", "bbox"),
        ("bbox=a,b,c,d", "bbox"),
        ("bbox=-73,40,-74,41", "bbox"),
        ("bbox=-74,41,-73,40", "bbox"),
        ("bbox=-74,40,-73,99", "bbox"),
        ("bbox=nan,40,-73,41", "bbox"),
        ("near=-74.0,40.71", "near"),
        ("radius_m=100", "near"),
        ("near=-74.0&radius_m=100", "near"),
        ("near=-200,40&radius_m=100", "near"),
        ("near=-74.0,40.71&radius_m=0", "radius_m"),
        ("near=-74.0,40.71&radius_m=50001", "radius_m"),
        ("near=-74.0,40.71&radius_m=nan", "radius_m"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("status=done", "status.0"),
        ("priority=P9", "priority.0"),
        ("created_from=yesterday", "created_from"),
        ("created_from=2026-01-01T00:00:00", "created_from"),
        ("created_from=0001-01-01T00:00:00%2B23:00", "created_from"),
        ("assigned_agent_id=me", "assigned_agent_id"),
        ("is_master=perhaps", "is_master"),
        ("colour=red", "colour"),
    ],
)
async def test_a_wrong_search_filter_is_named(api: Api, query: str, field: str) -> None:
    answer = await api.client.get(f"/requests?{query}", headers=api.as_("auditor"))
    assert problem(answer, 422)["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/analytics/geofeeds/heatmap?resolution=4", "resolution"),
        ("/analytics/geofeeds/heatmap?resolution=11", "resolution"),
        ("/analytics/geofeeds/heatmap?bbox=1,2", "bbox"),
        ("/analytics/geofeeds/heatmap?weight=love", "weight"),
        ("/analytics/geofeeds/heatmap?category=potole", "category"),
        ("/analytics/geofeeds/heatmap?zone_id=ZZ99", "zone_id"),
        ("/analytics/geofeeds/heatmap?colour=red", "colour"),
        ("/analytics/kpis?group_by=mood", "group_by"),
        ("/analytics/kpis?day_from=1.3.2026", "day_from"),
        ("/analytics/kpis?day_from=2026-03-02&day_to=2026-03-01", "day_from"),
    ],
)
async def test_a_wrong_analytics_filter_is_named(api: Api, path: str, field: str) -> None:
    answer = await api.client.get(path, headers=api.as_("auditor"))
    assert problem(answer, 422)["errors"][0]["field"] == field
