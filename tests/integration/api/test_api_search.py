"""Search: every filter against the same filter in Python, and pages without gap or repeat."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from cst_geo.points import haversine_m
from cst_testkit.apps import Api, report

POINTS = [(-74.0, 40.71), (-73.985, 40.755), (-73.82, 40.7282), (-73.88, 40.85)]
CATEGORIES = ("pothole", "graffiti", "sewer_backup")
Keep = Callable[[dict[str, Any]], bool]


@pytest.fixture(scope="module")
async def filed(api: Api) -> list[dict[str, Any]]:
    """Three categories at each of four points, some triaged, as staff see them."""
    for point in POINTS:
        for category in CATEGORIES:
            location = {"coordinates": list(point)}
            created = await api.file(category=category, location=location)
            if category == "graffiti":
                await api.step(created["request_id"], "triaged", priority="P2")
    return await pages(api, {"limit": 200})


async def pages(api: Api, query: dict[str, Any], role: str | None = "auditor") -> list[Any]:
    """Return the items of all pages."""
    items: list[Any] = []
    headers = api.as_(role) if role else {}
    while True:
        answer = await api.client.get("/requests", params=query, headers=headers)
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            return items
        query = query | {"cursor": answer.json()["next_cursor"]}


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["request_id"] for item in items]


def metres(item: dict[str, Any]) -> float:
    return haversine_m(*item["location"]["coordinates"], *POINTS[0])


@pytest.mark.parametrize(
    ("query", "keep"),
    [
        ({"status": "triaged"}, lambda r: r["status"] == "triaged"),
        ({"status": ["new", "closed"]}, lambda r: r["status"] == "new"),
        ({"category": ["pothole", "graffiti"]}, lambda r: r["category"] != "sewer_backup"),
        ({"priority": "P2"}, lambda r: r["priority"] == "P2"),
        ({"zone_id": "MN05"}, lambda r: r["location"]["zone_id"] == "MN05"),
        ({"category": "pothole", "zone_id": "MN03"}, lambda r: r["request_id"].endswith("01")),
        ({"bbox": "-74.01,40.70,-73.95,40.80"}, lambda r: r["location"]["coordinates"][0] < -73.95),
        ({"bbox": "-180,-90,180,90"}, lambda r: True),
        ({"bbox": "-120,-80,120,80"}, lambda r: True),
        ({"bbox": "-79,89,-73,90"}, lambda r: False),
        ({"bbox": "-79,40,-73,90"}, lambda r: True),
        ({"near": "-74.0,40.71", "radius_m": 100}, lambda r: metres(r) < 100),
        ({"near": "-74.0,40.71", "radius_m": 10_000}, lambda r: metres(r) < 10_000),
        ({"is_master": True}, lambda r: True),
        ({"is_master": False}, lambda r: False),
        ({"created_from": "2020-01-01T00:00:00Z"}, lambda r: True),
        ({"created_to": "2020-01-01T00:00:00Z"}, lambda r: False),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
async def test_a_filter_finds_what_it_says(
    api: Api, filed: list[dict[str, Any]], query: dict[str, Any], keep: Keep
) -> None:
    assert ids(await pages(api, query)) == ids([item for item in filed if keep(item)])


async def test_created_from_is_inclusive_and_created_to_exclusive(
    api: Api, filed: list[dict[str, Any]]
) -> None:
    instant = filed[5]["timestamps"]["created_at"]
    later = datetime.fromisoformat(instant) + timedelta(milliseconds=1)
    query = {"created_from": instant, "created_to": later.isoformat()}
    assert filed[5]["request_id"] in ids(await pages(api, query))
    assert filed[5]["request_id"] not in ids(await pages(api, {"created_to": instant}))


async def test_a_box_ends_where_it_says_not_on_a_great_circle(
    api: Api, filed: list[dict[str, Any]]
) -> None:
    """A great circle between the corners of a wide box runs north of their parallel."""
    north = await pages(api, {"bbox": "-74.26,40.60,-73.70,40.8499"})
    assert {item["location"]["coordinates"][1] for item in north} == {40.71, 40.755, 40.7282}
    south = await pages(api, {"bbox": "-74.26,40.7281,-73.70,40.90"})
    assert {item["location"]["coordinates"][1] for item in south} == {40.755, 40.7282, 40.85}


async def test_newest_come_first(filed: list[dict[str, Any]]) -> None:
    created = [item["timestamps"]["created_at"] for item in filed]
    assert created == sorted(created, reverse=True)


@pytest.mark.parametrize("limit", [1, 5, 12, 200])
async def test_pages_follow_each_other_without_gap_or_repeat(
    api: Api, filed: list[dict[str, Any]], limit: int
) -> None:
    assert ids(await pages(api, {"limit": limit})) == ids(filed)


async def test_a_request_filed_meanwhile_moves_no_page(
    api: Api, filed: list[dict[str, Any]]
) -> None:
    headers = api.as_("auditor")
    oldest = {"limit": 4, "created_to": filed[0]["timestamps"]["created_at"]}
    first = (await api.client.get("/requests", params=oldest, headers=headers)).json()
    await asyncio.gather(*(api.client.post("/requests", json=report()) for _ in range(5)))
    rest = await pages(api, oldest | {"cursor": first["next_cursor"]})
    found = ids(first["items"]) + ids(rest)
    assert found == ids(filed)[-len(found) :]
    await api.core.db["service_requests"].delete_many({"request_id": {"$nin": ids(filed)}})


async def test_the_public_pages_through_what_is_public(
    api: Api, filed: list[dict[str, Any]]
) -> None:
    found = await pages(api, {"limit": 3}, role=None)
    assert ids(found) == ids([item for item in filed if item["category"] != "sewer_backup"])
    assert all(item["description"] is None for item in found)
