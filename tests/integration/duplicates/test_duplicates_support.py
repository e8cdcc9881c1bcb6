"""What is open nearby, and "me too" in place of another report."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from duplicates_kit import Desk, Place, at, fresh_place, moved

CITIZEN = "65f0000000000000000000c1"


async def _near(
    desk: Desk, place: Place, category: str = "pothole", *roles: str
) -> list[dict[str, Any]]:
    answer = await desk.api.client.get(
        "/requests/nearby",
        params={"lon": place[0], "lat": place[1], "category": category},
        headers=desk.api.as_(*roles) if roles else {},
    )
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def _me_too(desk: Desk, request_id: str, key: str | None, **as_: Any) -> httpx.Response:
    headers = desk.api.as_("citizen", subject=as_["subject"]) if as_ else {}
    if key is not None:
        headers["Idempotency-Key"] = key
    return await desk.api.client.post(f"/requests/{request_id}/me-too", headers=headers)


async def test_what_is_near_comes_nearest_first(desk: Desk) -> None:
    place = fresh_place()
    far, near = await desk.reported(moved(place, 25), moved(place, -3))
    (beyond,) = await desk.reported(moved(place, 0, 40))
    items = await _near(desk, place)
    assert [(item["request_id"], item["distance_m"]) for item in items] == [
        (near, 3.0),
        (far, 25.0),
    ]
    assert beyond not in {item["request_id"] for item in items}
    assert items[0]["supporters"] == 0


async def test_duplicates_and_what_has_ended_are_not_shown(desk: Desk) -> None:
    place = fresh_place()
    first, _ = await desk.reported(place, place)
    assert [item["request_id"] for item in await _near(desk, place)] == [first]
    await desk.take(first, "resolved", (await desk.hired())["id"])
    assert await _near(desk, place) == []


async def test_twenty_at_most(desk: Desk) -> None:
    place = fresh_place()
    for n in range(25):
        await desk.file(moved(place, n), "construction_noise")
    items = await _near(desk, place, "construction_noise", "dispatcher")
    assert [item["distance_m"] for item in items] == pytest.approx(list(range(20)), abs=0.1)


async def test_the_public_sees_what_is_public_to_the_point(desk: Desk) -> None:
    place = fresh_place()
    hidden = (await desk.api.file(location=at(place), share_publicly=False))["request_id"]
    assert await _near(desk, place) == []
    assert await _near(desk, place, "pothole", "citizen") == []
    assert [i["request_id"] for i in await _near(desk, place, "pothole", "agent")] == [hidden]
    assert (await _me_too(desk, hidden, "k1")).status_code == 404
    assert (await desk.load(hidden))["supporters"] == 0


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"lon": -74.0, "lat": 40.71}, "category"),
        ({"lon": -74.0, "lat": 40.71, "category": "potholes"}, "category"),
        ({"lon": -74.0, "lat": 91, "category": "pothole"}, "lat"),
        ({"lon": "nan", "lat": 40.71, "category": "pothole"}, "lon"),
        ({"lon": 2.35, "lat": 48.85, "category": "pothole"}, "service area"),
        ({"lon": -74.0, "lat": 40.71, "category": "pothole", "radius": 5}, "radius"),
    ],
)
async def test_a_wrong_place_is_refused(desk: Desk, params: dict[str, Any], named: str) -> None:
    answer = await desk.api.client.get("/requests/nearby", params=params)
    assert answer.status_code == 422
    assert named in answer.text


async def test_each_supporter_counts_once(desk: Desk) -> None:
    (first,) = await desk.reported(fresh_place())
    answers = [
        await _me_too(desk, first, "k1"),
        await _me_too(desk, first, "k1"),
        await _me_too(desk, first, "k2"),
        await _me_too(desk, first, None, subject=CITIZEN),
        await _me_too(desk, first, "k9", subject=CITIZEN),
    ]
    assert [a.status_code for a in answers] == [200] * 5
    assert [(a.json()["supporters"], a.json()["counted"]) for a in answers] == [
        (1, True),
        (1, False),
        (2, True),
        (3, True),
        (3, False),
    ]
    assert (await desk.load(first))["supporters"] == 3
    assert (await desk.types(first)).count("supported") == 3
    await desk.assert_sound()


async def test_a_duplicates_support_goes_to_its_master(desk: Desk) -> None:
    place = fresh_place()
    first, second = await desk.reported(place, place)
    answer = await _me_too(desk, second, "k1")
    assert answer.json() == {"request_id": first, "supporters": 1, "counted": True}
    assert (await desk.load(second))["supporters"] == 0
    assert not (await _me_too(desk, first, "k1")).json()["counted"]


async def test_many_at_once_count_each_once(desk: Desk) -> None:
    (first,) = await desk.reported(fresh_place())
    answers = await asyncio.gather(*(_me_too(desk, first, f"key-{n % 10}") for n in range(30)))
    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.json()["counted"] for answer in answers) == 10
    assert (await desk.load(first))["supporters"] == 10


async def test_refused_support_leaves_everything_as_it_was(desk: Desk) -> None:
    place = fresh_place()
    filed = await desk.api.client.post(
        "/requests/",
        json={
            "citizen_ref": {"citizen_id": CITIZEN, "anonymous": False},
            "category": "pothole",
            "description": "Mine",
            "location": at(place),
        },
        headers=desk.api.as_("citizen", subject=CITIZEN),
    )
    assert filed.status_code == 201, filed.text
    own = filed.json()["request_id"]
    (done,) = await desk.reported(moved(place, 60))
    await desk.take(done, "resolved", (await desk.hired())["id"])
    before = [(await desk.load(each), await desk.events(each)) for each in (own, done)]
    refused = {
        409: [await _me_too(desk, own, None, subject=CITIZEN), await _me_too(desk, done, "k1")],
        422: [await _me_too(desk, own, None)],
        404: [await _me_too(desk, "CST-2001-0001", "k1")],
    }
    for status, answers in refused.items():
        assert [answer.status_code for answer in answers] == [status] * len(answers)
    assert "Idempotency-Key" in refused[422][0].text
    after = [(await desk.load(each), await desk.events(each)) for each in (own, done)]
    assert after == before
