"""What the tests of duplicates share: places, staff's commands, and what must always hold."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

from cst_geo import leaf_cell
from cst_geo.points import EARTH_RADIUS_M
from cst_ledger.events import Document, NewEvent
from cst_ledger.verify import verify_all
from cst_testkit.apps import DOWNTOWN, Api
from cst_testkit.factories import SYSTEM
from cst_testkit.pump import Pump

Place = tuple[float, float]
_numbers = itertools.count(1)


def moved(place: Place, east_m: float = 0.0, north_m: float = 0.0) -> Place:
    """Return the place so many metres away."""
    lon, lat = place
    degree = math.pi * EARTH_RADIUS_M / 180
    return lon + east_m / (degree * math.cos(math.radians(lat))), lat + north_m / degree


def fresh_place() -> Place:
    """Return a place in lower Manhattan, 120 m from any other that this has returned."""
    number = next(_numbers)
    return moved(DOWNTOWN, 120 * (number % 10), 120 * (number // 10))


def at(place: Place) -> dict[str, Any]:
    """Return the ``location`` of a report."""
    return {"type": "Point", "coordinates": list(place)}


@dataclass
class Desk:
    """Staff and citizens at one API, with its workers carried along by hand."""

    api: Api
    pump: Pump
    agents: dict[str, Any] = field(default_factory=dict)

    async def file(self, place: Place, category: str = "pothole", **overrides: Any) -> str:
        """File a report; its events wait until ``pump.drain``."""
        filed = await self.api.file(category=category, location=at(place), **overrides)
        return str(filed["request_id"])

    async def reported(self, *places: Place, category: str = "pothole") -> list[str]:
        """File reports one after another and let the workers see them."""
        ids = [await self.file(place, category) for place in places]
        await self.pump.drain()
        return ids

    async def load(self, request_id: str) -> Document:
        return await self.api.core.ledger("test").load(request_id)

    async def events(self, request_id: str) -> list[Document]:
        """Return the stored events of a request."""
        answer = await self.api.client.get(
            f"/requests/{request_id}/events", headers=self.api.as_("supervisor")
        )
        assert answer.status_code == 200, answer.text
        events: list[Document] = answer.json()["events"]
        return events

    async def types(self, request_id: str) -> list[str]:
        return [event["type"] for event in await self.events(request_id)]

    async def post(self, path: str, *roles: str, **body: Any) -> httpx.Response:
        """Send a command, as a dispatcher unless ``roles`` say otherwise."""
        headers = self.api.as_(*(roles or ("dispatcher",)))
        return await self.api.client.post(path, json=body, headers=headers)

    async def merge(self, request_id: str, master_id: str, **body: Any) -> httpx.Response:
        return await self.post(f"/requests/{request_id}/merge", master_request_id=master_id, **body)

    async def unmerge(self, request_id: str, reason: str = "Another hole") -> httpx.Response:
        return await self.post(f"/requests/{request_id}/unmerge", reason=reason)

    async def pin(self, version: str, *request_ids: str) -> None:
        """Bind requests to a rule set, by the event that says so."""
        core = self.api.core
        rules = core.rules.version(version)
        for request_id in request_ids:
            await core.ledger("workflow").record(request_id, lambda d: [_pinned(d, rules)])

    async def relocate(self, request_id: str, place: Place) -> None:
        """Correct where a request is, by the event that says so."""
        lon, lat = place
        changes = {"location.coordinates": [lon, lat], "location.h3": leaf_cell(lon, lat)}
        meta = {"from_zone_id": "MN03", "to_zone_id": "MN03"}
        event = NewEvent("location_changed", SYSTEM, changes=changes, meta=meta)
        await self.api.core.ledger("workflow").record(request_id, lambda _: [event])

    async def hold(self, request_id: str) -> None:
        """Put a request on hold, by the event that says so."""
        now = self.api.core.clock.now()
        until = now + timedelta(days=1)
        hold = {"reason": "weather", "since": now, "until": until}
        meta = {"reason": "weather", "until": until}
        event = NewEvent("held", SYSTEM, changes={"workflow.hold": hold}, meta=meta)
        await self.api.core.ledger("workflow").record(request_id, lambda _: [event])

    async def add_photo(self, request_id: str) -> None:
        """Add a photo of the work, by the event that says so."""
        item = {
            "type": "photo",
            "url": "https://photos.test/1.jpg",
            "sha256": "0" * 64,
            "uploaded_by": "agent",
            "uploaded_at": self.api.core.clock.now(),
            "evidence_id": "e1",
            "visibility": "internal",
            "content_type": "image/jpeg",
            "size": 1,
        }
        meta = {
            "evidence_id": "e1",
            "evidence_type": "photo",
            "sha256": item["sha256"],
            "uploaded_by": "agent",
            "visibility": "internal",
        }
        event = NewEvent("evidence_added", SYSTEM, changes={"evidence": [item]}, meta=meta)
        await self.api.core.ledger("intake").record(request_id, lambda _: [event])

    async def hired(self, capacity: int = 5) -> dict[str, Any]:
        """Add a roads agent and return it."""
        return await self.api.hire(capacity=capacity)

    async def load_of(self, code: str) -> int:
        """Return how many units of an agent's capacity are taken."""
        agent = await self.api.core.db["service_agents"].find_one({"agent_code": code})
        assert agent is not None
        return int(agent["open_assignments"])

    async def take(self, request_id: str, status: str, agent_id: str) -> None:
        """Take a triaged request along its lifecycle, its duplicates after it."""
        fields = {
            "assigned": {"assigned_agent_id": agent_id},
            "resolved": {"resolution_code": "fixed"},
        }
        path = ("new", "triaged", "assigned", "in_progress", "resolved", "closed")
        at_status = (await self.load(request_id))["status"]
        for step in path[path.index(at_status) + 1 : path.index(status) + 1]:
            answer = await self.api.step(request_id, step, **fields.get(step, {}))
            assert answer.status_code == 200, answer.text
        await self.pump.drain()

    async def groups(self) -> dict[str, set[str]]:
        """Return each master that has duplicates, with them, having checked both sides."""
        documents = await self.api.core.db["service_requests"].find().to_list()
        return checked_groups(documents)

    async def assert_sound(self) -> None:
        """Every chain holds and every document is what its events say."""
        broken = [v async for v in verify_all(self.api.core.db) if not v.ok]
        assert not broken


def _pinned(document: Document, rules: Any) -> Any:
    changes = {
        "workflow.transition_rules_version": rules.version,
        "workflow.allowed_next": rules.allowed_next(document["status"]),
    }
    meta = {
        "from_version": document["workflow"]["transition_rules_version"],
        "to_version": rules.version,
    }
    return NewEvent("rules_changed", SYSTEM, changes=changes, meta=meta)


def checked_groups(documents: list[Document]) -> dict[str, set[str]]:
    """Return the groups; both sides of every link agree, and groups are flat."""
    by_id = {document["request_id"]: document for document in documents}
    groups: dict[str, set[str]] = {}
    for request_id, document in by_id.items():
        linked = document["duplicates"]
        assert linked["is_master"] == (linked["master_request_id"] is None)
        if linked["is_master"]:
            assert linked["linked_at"] is None
            if linked["linked_duplicates"]:
                groups[request_id] = set(linked["linked_duplicates"])
                assert len(groups[request_id]) == len(linked["linked_duplicates"])
        else:
            assert linked["linked_duplicates"] == []
            assert by_id[linked["master_request_id"]]["duplicates"]["is_master"]
            assert (
                request_id in by_id[linked["master_request_id"]]["duplicates"]["linked_duplicates"]
            )
    duplicates = [d for d in by_id.values() if not d["duplicates"]["is_master"]]
    assert sum(map(len, groups.values())) == len(duplicates)
    return groups
