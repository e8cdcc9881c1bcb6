"""The routes of zones, clusters, surges, trends, risk and equity answer as documented."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import h3
import pytest
from rest_kit import Call

from cst_contracts.events import Facts
from cst_geo_analytics.domain.projection import row_of
from cst_geo_analytics.projections.stores import ProjectionStore
from cst_geo_analytics.projections.take_in import take_in
from cst_testkit.apps import DOWNTOWN, Api

LEAF = h3.latlng_to_cell(DOWNTOWN[1], DOWNTOWN[0], 10)
NEW_YORK = ZoneInfo("America/New_York")
BOX = {"bbox": "-74.1,40.6,-73.9,40.8"}
CALLS = [
    Call("GET", "/analytics/zones", 200, query={"days": 7, "category": "pothole"}),
    Call("GET", "/analytics/zones", 200, ("supervisor",)),
    Call("GET", "/analytics/zones", 422, query={"days": 0}),
    Call("GET", "/analytics/clusters", 200, query=BOX),
    Call("GET", "/analytics/clusters", 200, ("auditor",), query={"min_z": 1, "weight": "priority"}),
    Call("GET", "/analytics/clusters", 422, query={"resolution": 12}),
    Call("GET", "/analytics/surges", 200, query={"scope": "city"}),
    Call("GET", "/analytics/surges", 200, ("dispatcher",)),
    Call("GET", "/analytics/surges", 422, query={"day": "2999-01-01"}),
    Call("GET", "/analytics/trends", 200),
    Call("GET", "/analytics/trends", 200, ("dispatcher",), query={"days": 14}),
    Call("GET", "/analytics/trends", 422, query={"to": "2999-01-01"}),
    Call("GET", "/analytics/sla-risk", 200, query=BOX | {"hours": 720}),
    Call("GET", "/analytics/sla-risk", 200, ("supervisor",), query={"hours": 720}),
    Call("GET", "/analytics/sla-risk", 422, query={"hours": 0}),
    Call("GET", "/analytics/equity", 200, query=BOX),
    Call("GET", "/analytics/equity", 200, ("admin",), query={"from": "2026-01"}),
    Call("GET", "/analytics/equity", 422, query={"from": "2026-03", "to": "2026-02"}),
]
#: Where each answer lists what it has found.
FOUND = {
    "/analytics/zones": ("zones",),
    "/analytics/clusters": ("features",),
    "/analytics/surges": ("surges", "not_surges"),
    "/analytics/trends": ("emerging", "fading"),
    "/analytics/sla-risk": ("features", "zones"),
    "/analytics/equity": ("features", "zones"),
}


@pytest.fixture(scope="module", autouse=True)
async def _on_the_map(api: Api) -> None:
    """Weeks of trees and dead animals, and a day with a storm and with crews' graffiti."""
    now = api.core.clock.now()

    def facts(category: str, days: float, **fields: Any) -> Facts:
        at = now - timedelta(days=days)
        done = {"status": "closed", "resolved_at": at + timedelta(hours=1)} if days > 40 else {}
        blank = {
            "zone_id": "MN01",
            "h3": LEAF,
            "located": True,
            "priority": "P3",
            "status": "new",
            "is_master": True,
            "created_at": at,
            "due_at": now + timedelta(hours=3),
            "historic": False,
            "public": "exact",
            "source": "api",
        }
        return Facts.model_validate(blank | {"category": category} | done | fields)

    made = [
        *(facts("tree_emergency", 0) for _ in range(30)),
        *(facts("graffiti", 0, source="crew") for _ in range(30)),
        *(facts("litter_basket", 1 + n / 4) for n in range(40)),
        *(facts("dead_animal", 16 + n / 2) for n in range(80)),
    ]
    rows = [(f"CST-2026-{n:07}", row_of(fact, 0, NEW_YORK)) for n, fact in enumerate(made)]
    await take_in(ProjectionStore(api.core.db), rows)


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_the_answer_is_documented(api: Api, call: Call) -> None:
    answer = await call.send(api)
    if call.status == 200 and call.roles:
        body = answer.json()
        assert all(body[name] for name in FOUND[call.path]), body
