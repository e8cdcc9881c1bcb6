"""One request, followed from its POST until somebody has it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cst_contracts.requests import CreateRequest, LocationIn
from cst_simulation.api import Api
from cst_simulation.credentials import Credentials
from cst_simulation.places import Point

#: Danger words make it P1, for which people are on call at any hour.
TEXT = "A truck hit the lamp post, there are exposed wires on the sidewalk."
CATEGORY = "street_light"
ASSIGNED_S, POLL_S = 60.0, 0.1
#: A hundred metres up Manhattan's avenues, and how often to go on.
STEP, STEPS = (0.0005, 0.0008), 30


@dataclass(frozen=True)
class Story:
    """What happened to a request: the answer to its POST, and its events as staff read them."""

    created: Mapping[str, Any]
    events: list[dict[str, Any]]

    @property
    def assigned(self) -> bool:
        """Whether somebody has it."""
        return any(event["type"] == "assigned" for event in self.events)


async def free_place(url: str, credentials: Credentials, category: str, start: Point) -> Point:
    """Return the first point from ``start`` on where nothing of the category is open.

    What is filed there is the duplicate of nothing, whatever earlier demos have left.

    Raises:
        ApiError: the API does not answer.
    """
    api, (lon, lat) = Api(url), start
    try:
        for _ in range(STEPS):
            where = {"category": category, "lon": lon, "lat": lat}
            near = await api.get("/requests/nearby", credentials.staff(), **where)
            if not near["items"]:
                break
            lon, lat = round(lon + STEP[0], 4), round(lat + STEP[1], 4)
        return lon, lat
    finally:
        await api.close()


async def tell_story(url: str, credentials: Credentials, category: str, place: Point) -> Story:
    """File a request and follow its events until it is assigned, for ``ASSIGNED_S`` at most.

    Raises:
        ApiError: the API refuses, or does not answer.
    """
    location = LocationIn(coordinates=place, address_hint="at the corner")
    report = CreateRequest(category=category, description=TEXT, location=location)
    loop, api = asyncio.get_running_loop(), Api(url)
    try:
        created = await api.send("POST", "/requests/", json=report.model_dump(mode="json"))
        deadline = loop.time() + ASSIGNED_S
        while True:
            path = f"/requests/{created['request_id']}/events"
            events = (await api.get(path, credentials.staff()))["events"]
            story = Story(created, events)
            if story.assigned or loop.time() > deadline:
                return story
            await asyncio.sleep(POLL_S)
    finally:
        await api.close()
