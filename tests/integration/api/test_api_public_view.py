"""What the public sees: the category's choice, lowered by the citizen, on every route."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import h3
import httpx
import orjson
import pytest

from cst_contracts.requests import FollowedRequest, PublicRequest
from cst_geo_analytics.domain.release import AREA_RESOLUTION, K_PLACES
from cst_ledger.ledger import LOGS
from cst_ledger.wire import cloud_event
from cst_testkit.apps import Api
from cst_testkit.pump import Pump

SECRET = "my neighbour's name is Zebulon"
HINT = "flat 17, ring twice at Zebulon's"
PRIVATE = ("Zebulon", "neighbour", "flat 17", "noted by staff")
#: Category, opt-out, and whether this very request is then public.
CASES = [
    ("pothole", True, True),
    ("pothole", False, False),
    ("sewer_backup", True, False),
    ("sewer_backup", False, False),
    ("homeless_assistance", True, False),
]
PUBLICITY = {"pothole": "exact", "sewer_backup": "area", "homeless_assistance": "none"}
each_case = pytest.mark.parametrize(
    ("category", "share", "visible"),
    CASES,
    ids=[f"{PUBLICITY[c]}{'' if share else ', opted out'}" for c, share, _ in CASES],
)


async def file(api: Api, category: str, share: bool = True, at: Iterable[float] = ()) -> Any:
    """File a report full of what must stay private."""
    point = {"coordinates": list(at) or [-74.0, 40.71], "address_hint": HINT}
    created = await api.file(
        category=category, description=SECRET, location=point, share_publicly=share
    )
    await api.step(created["request_id"], "triaged", note="noted by staff")
    return created


def says_nothing_private(answer: httpx.Response) -> bool:
    return not any(word in answer.text for word in PRIVATE)


async def test_the_cases_are_what_the_city_declares(api: Api) -> None:
    catalog = await api.core.catalog.get()
    declared = {code: catalog.category(code).public for code in PUBLICITY}
    assert declared == PUBLICITY


@each_case
async def test_anybody_reads_a_request_only_where_it_is_public(
    api: Api, category: str, share: bool, visible: bool
) -> None:
    request_id = (await file(api, category, share))["request_id"]
    for path in (f"/requests/{request_id}", f"/requests/{request_id}/events"):
        answer = await api.client.get(path)
        assert answer.status_code == (200 if visible else 404)
        assert says_nothing_private(answer)


async def test_the_public_view_has_the_fields_of_its_contract_and_no_others(api: Api) -> None:
    request_id = (await file(api, "pothole"))["request_id"]
    body = (await api.client.get(f"/requests/{request_id}")).json()
    assert set(body) == set(PublicRequest.model_fields)
    assert set(body["location"]) == {"type", "coordinates", "zone_id"}


async def test_the_public_history_says_what_and_when_and_nothing_else(api: Api) -> None:
    request_id = (await file(api, "pothole"))["request_id"]
    events = (await api.client.get(f"/requests/{request_id}/events")).json()["events"]
    assert [event["type"] for event in events] == ["created", "triaged"]
    assert {key for event in events for key in event} == {"seq", "type", "at"}


async def test_what_is_hidden_looks_like_what_does_not_exist(api: Api) -> None:
    hidden = (await file(api, "homeless_assistance"))["request_id"]
    absent = "CST-1999-0001"
    answers = [(await api.client.get(f"/requests/{id}")).json() for id in (hidden, absent)]
    assert [str(a).replace(hidden, absent) for a in answers] == [str(answers[1])] * 2


@each_case
async def test_the_reporters_link_shows_their_words(
    api: Api, category: str, share: bool, visible: bool
) -> None:
    created = await file(api, category, share)
    answer = await api.client.get(created["follow_url"])
    followed = FollowedRequest.model_validate(answer.json())
    assert (followed.description, followed.address_hint) == (SECRET, HINT)
    assert set(answer.json()) == set(FollowedRequest.model_fields)
    assert "noted by staff" not in answer.text
    history = await api.client.get(created["follow_url"].replace("?", "/events?"))
    assert history.status_code == 200
    assert says_nothing_private(history)


async def test_a_link_opens_its_own_request_only(api: Api) -> None:
    mine, other = await file(api, "sewer_backup"), await file(api, "sewer_backup")
    signature = mine["follow_url"].partition("follow=")[2]
    for wrong in (signature, signature[:-1], "", "0" * 32, "é"):
        answer = await api.client.get(f"/requests/{other['request_id']}", params={"follow": wrong})
        assert answer.status_code == 404


@each_case
async def test_staff_and_agents_see_all_of_it(
    api: Api, category: str, share: bool, visible: bool
) -> None:
    request_id = (await file(api, category, share))["request_id"]
    for role in ("agent", "dispatcher", "auditor"):
        answer = await api.client.get(f"/requests/{request_id}", headers=api.as_(role))
        assert answer.json()["description"] == SECRET
        assert answer.json()["internal"]["notes"] == ["noted by staff"]


@each_case
async def test_a_search_finds_for_anybody_only_what_is_public(
    api: Api, category: str, share: bool, visible: bool
) -> None:
    request_id = (await file(api, category, share))["request_id"]
    query = {"category": category, "limit": 200}
    answer = await api.client.get("/requests", params=query)
    assert (request_id in answer.text) is visible
    assert says_nothing_private(answer)
    everything = await api.client.get("/requests", params=query, headers=api.as_("auditor"))
    assert request_id in everything.text


async def test_no_published_event_holds_free_text(api: Api) -> None:
    for category, share, _ in CASES:
        await file(api, category, share)
    texts = published = 0
    async for log in api.core.db[LOGS.name].find():
        for event in log["event_stream"]:
            texts += "message" in event["meta"]
            record = orjson.dumps(cloud_event(event, "new-york")).decode()
            assert not any(word in record for word in PRIVATE)
            assert '"salt"' not in record
            published += 1
    assert texts >= 10
    assert published >= 10


def leaves_of(cell: str, count: int) -> list[tuple[float, float]]:
    """Return points (lon, lat) in ``count`` different places within ``cell``."""
    leaves = sorted(h3.cell_to_center_child(c, 10) for c in h3.cell_to_children(cell, 8))
    points = [h3.cell_to_latlng(leaf) for leaf in leaves[:count]]
    return [(lon, lat) for lat, lon in points]


async def heatmap(api: Api, resolution: int, staff: bool = False, **query: Any) -> dict[str, int]:
    """Return the count of each cell."""
    answer = await api.client.get(
        "/analytics/geofeeds/heatmap",
        params={"resolution": resolution, **query},
        headers=api.as_("auditor") if staff else {},
    )
    assert answer.status_code == 200, answer.text
    features = answer.json()["geojson"]["features"]
    return {f["properties"]["cell"]: f["properties"]["count"] for f in features}


#: A cell in which areas are released, in Queens, where no other test files.
QUEENS = h3.latlng_to_cell(40.7282, -73.82, AREA_RESOLUTION)


async def test_an_area_of_the_running_month_is_on_the_staffs_map_only(api: Api, pump: Pump) -> None:
    for point in leaves_of(QUEENS, K_PLACES):
        await file(api, "sewer_backup", at=point)
    await pump.drain()
    for resolution in range(5, 11):
        cells = await heatmap(api, resolution, category="sewer_backup")
        assert cells == {}
    by_staff = await heatmap(api, AREA_RESOLUTION, staff=True, category="sewer_backup")
    assert by_staff[QUEENS] == K_PLACES


async def test_the_map_shows_exact_ones_finely_and_none_never(api: Api, pump: Pump) -> None:
    bronx = h3.latlng_to_cell(40.85, -73.88, AREA_RESOLUTION)
    for point in leaves_of(bronx, K_PLACES + 1):
        await file(api, "homeless_assistance", at=point)
    [point] = leaves_of(bronx, 1)
    await file(api, "pothole", at=point)
    await pump.drain()
    assert (await heatmap(api, AREA_RESOLUTION))[bronx] == 1
    leaf = h3.latlng_to_cell(point[1], point[0], 10)
    assert (await heatmap(api, 10))[leaf] == 1
    assert (await heatmap(api, AREA_RESOLUTION, staff=True))[bronx] == K_PLACES + 2


async def test_opted_out_reports_count_as_area(api: Api, pump: Pump) -> None:
    island = h3.latlng_to_cell(40.60, -74.12, AREA_RESOLUTION)
    [point] = leaves_of(island, 1)
    await file(api, "pothole", share=False, at=point)
    await pump.drain()
    assert island not in await heatmap(api, AREA_RESOLUTION)
    assert (await heatmap(api, AREA_RESOLUTION, staff=True))[island] == 1


async def test_kpi_totals_count_everything_and_name_nothing(api: Api, pump: Pump) -> None:
    await file(api, "homeless_assistance")
    await pump.drain()
    answer = await api.client.get("/analytics/kpis")
    totals = answer.json()["totals"]
    assert totals["requests"] + totals["duplicates"] == await api.stored()
    assert answer.json()["groups"] == []
    assert says_nothing_private(answer)
