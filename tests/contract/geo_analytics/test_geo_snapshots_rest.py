"""The routes of named feeds answer as the OpenAPI document says."""

from typing import Any

import pytest
from rest_kit import Call

from cst_testkit.apps import Api
from cst_testkit.pump import Pump

FEEDS = "/analytics/geofeeds"
FEED, SNAPSHOTS = f"{FEEDS}/{{name}}", f"{FEEDS}/{{name}}/snapshots"
SNAPSHOT, DIFF = f"{SNAPSHOTS}/{{number}}", f"{FEEDS}/{{name}}/diff"
HERE: dict[str, Any] = {"fill": {"name": "potholes", "number": "1"}}
NOWHERE: dict[str, Any] = {"fill": {"name": "nowhere", "number": "1"}}
SUPERVISOR = ("supervisor",)
PLAN = {
    "title": "Open potholes",
    "query": {"category": ["pothole"], "status": ["new"]},
    "audience": "public",
    "every_hours": 24,
}
CALLS = [
    Call("PUT", FEED, 200, SUPERVISOR, PLAN, **HERE),
    Call("PUT", FEED, 201, SUPERVISOR, PLAN, fill={"name": "another"}),
    Call("PUT", FEED, 409, SUPERVISOR, PLAN, headers={"If-Match": '"99"'}, **HERE),
    Call("PUT", FEED, 422, SUPERVISOR, {"title": "No question"}, **HERE),
    Call("PUT", FEED, 422, SUPERVISOR, PLAN, fill={"name": "heatmap"}),
    Call("PUT", FEED, 401, (), PLAN, **HERE),
    Call("PUT", FEED, 403, ("dispatcher",), PLAN, **HERE),
    Call("DELETE", FEED, 404, SUPERVISOR, **NOWHERE),
    Call("GET", FEEDS, 200),
    Call("GET", FEEDS, 200, SUPERVISOR, query={"limit": 1}),
    Call("GET", FEEDS, 422, query={"limit": 0}),
    Call("POST", SNAPSHOTS, 201, SUPERVISOR, **HERE),
    Call("POST", SNAPSHOTS, 404, SUPERVISOR, **NOWHERE),
    Call("GET", SNAPSHOTS, 200, query={"limit": 1}, **HERE),
    Call("GET", SNAPSHOTS, 422, query={"cursor": "x"}, **HERE),
    Call("GET", FEED, 200, **HERE),
    Call("GET", FEED, 200, query={"format": "cells"}, **HERE),
    Call("GET", FEED, 404, query={"at": "2020-01-01T00:00:00Z"}, **HERE),
    Call("GET", FEED, 422, query={"at": "yesterday"}, **HERE),
    Call("GET", SNAPSHOT, 200, **HERE),
    Call("GET", SNAPSHOT, 404, **NOWHERE),
    Call("GET", SNAPSHOT, 422, query={"format": "svg"}, **HERE),
    Call("GET", DIFF, 200, **HERE),
    Call("GET", DIFF, 200, query={"from": "1", "to": "2"}, **HERE),
    Call("GET", DIFF, 404, query={"from": "99"}, **HERE),
    Call("GET", DIFF, 422, query={"to": "never"}, **HERE),
]


@pytest.fixture(scope="module", autouse=True)
async def _two_snapshots(api: Api, pump: Pump) -> None:
    await Call("PUT", FEED, 201, SUPERVISOR, PLAN, **HERE).send(api)
    for _ in range(2):
        await api.file()
        await pump.drain()
        await Call("POST", SNAPSHOTS, 201, SUPERVISOR, **HERE).send(api)


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_the_answer_is_documented(api: Api, call: Call) -> None:
    await call.send(api)


async def test_a_picture_is_documented(api: Api) -> None:
    path = SNAPSHOT.format(**HERE["fill"])
    answer = await api.client.get(path, params={"format": "png"})
    assert answer.headers["content-type"] == "image/png"


async def test_a_deleted_feed_has_no_answer_to_document(api: Api) -> None:
    gone: dict[str, Any] = {"fill": {"name": "another"}}
    await api.client.put(f"{FEEDS}/another", json=PLAN, headers=api.as_("admin"))
    path = FEED.format(**gone["fill"])
    assert (await api.client.delete(path, headers=api.as_("admin"))).status_code == 204
    await Call("DELETE", FEED, 404, SUPERVISOR, **gone).send(api)
