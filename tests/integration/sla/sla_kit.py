"""What the tests of promises share: other policies and calendars, and what has fired."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cst_city import City, SlaPolicy
from cst_city.store import store_city
from cst_core.clock import Clock
from cst_ledger.events import Document
from cst_sla.notices import NoticeService
from cst_sla.service import SlaService
from cst_testkit.cities import new_york
from cst_testkit.desk import Desk

OFFICE = {
    "office": {
        "weekly": {day: [["08:30", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
        "holidays": True,
    }
}


@dataclass
class Promises:
    """The city's policies, as a city would load them."""

    desk: Desk

    async def load(
        self, changes: dict[str, dict[str, Any]], calendars: dict[str, Any] | None = None
    ) -> None:
        """Load New York with some policies changed (by id, new fields), and with calendars."""
        city = new_york()
        spec = city.spec.model_dump(mode="json") | {"calendars": calendars or {}}
        policies = tuple(_changed(policy, changes) for policy in city.policies)
        other = City(
            spec=type(city.spec).model_validate(spec),
            categories=city.categories,
            policies=policies,
            agents=city.agents,
            zones=city.zones,
            boundary=city.boundary,
        )
        core = self.desk.api.core
        await store_city(core.db, other, Clock())
        core.catalog._catalog = None


def _changed(policy: SlaPolicy, changes: dict[str, dict[str, Any]]) -> SlaPolicy:
    fields = changes.get(policy.policy_id)
    if fields is None:
        return policy
    return SlaPolicy.model_validate(policy.model_dump(exclude_none=True) | fields)


async def fire(desk: Desk, **later: float) -> int:
    """Fire what is due by ``later``; return how many clocks were looked at."""
    return await SlaService(desk.later(**later)).fire_due()


async def repeat(desk: Desk, **later: float) -> int:
    """Repeat the notices that nobody has acknowledged by ``later``."""
    return await NoticeService(desk.later(**later)).repeat_due()


async def told(desk: Desk, request_id: str) -> list[tuple[str, float]]:
    """Return what SLA wrote about a request: types, and hours after the creation."""
    created_at = (await desk.load(request_id))["timestamps"]["created_at"]
    return [
        (event["type"], (event["at"] - created_at) / timedelta(hours=1))
        for event in await desk.events(request_id)
        if event["by"]["actor_id"] == "sla"
    ]


async def notices(desk: Desk, request_id: str) -> list[Document]:
    cursor = desk.api.core.db["notices"].find({"request_id": request_id})
    return await cursor.sort("at", 1).to_list()
