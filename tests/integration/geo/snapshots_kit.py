"""Named feeds over the API, as staff and others use them."""

from __future__ import annotations

from typing import Any

import httpx

from cst_testkit.apps import Api

FEEDS = "/analytics/geofeeds"


async def put(api: Api, name: str, **fields: Any) -> httpx.Response:
    """Define a feed, public unless ``fields`` say otherwise, and return the answer."""
    headers = api.as_("supervisor") | fields.pop("headers", {})
    plan = {"title": name.title(), "query": {}, "audience": "public"} | fields
    return await api.client.put(f"{FEEDS}/{name}", json=plan, headers=headers)


async def take(api: Api, name: str) -> dict[str, Any]:
    """Take a snapshot and return what is said of it."""
    answer = await api.client.post(f"{FEEDS}/{name}/snapshots", headers=api.as_("supervisor"))
    assert answer.status_code == 201, answer.text
    taken: dict[str, Any] = answer.json()
    return taken


async def get(api: Api, path: str, *roles: str, **query: Any) -> httpx.Response:
    """Ask for a path below the feeds, anonymously unless with roles."""
    headers = api.as_(*roles) if roles else {}
    return await api.client.get(f"{FEEDS}{path}", params=query, headers=headers)


def counts(snapshot: httpx.Response) -> list[int]:
    """Return the counts of a snapshot's hexagons, least first."""
    assert snapshot.status_code == 200, snapshot.text
    return sorted(f["properties"]["count"] for f in snapshot.json()["geojson"]["features"])
