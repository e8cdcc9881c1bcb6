"""What zones, clusters, surges, trends, risk and equity ask of the database goes by indexes."""

from __future__ import annotations

import pytest
from geo_kit import emptied, file_reports
from insight_kit import answer, reports

from cst_mongo.client import Document
from cst_testkit.apps import Api

#: Routes with parameters, and the collections they read.
QUESTIONS = [
    ("zones", {}, {"geo_points", "geo_promises", "geo_days"}),
    ("zones", {"days": 90, "category": "pothole"}, {"geo_points", "geo_promises", "geo_outcomes"}),
    ("clusters", {}, {"geo_cells"}),
    ("clusters", {"bbox": "-73.96,40.65,-73.94,40.67", "category": "pothole"}, {"geo_cells"}),
    ("surges", {}, {"geo_days"}),
    ("surges", {"day": "2026-02-20", "category": "pothole"}, {"geo_days"}),
    ("trends", {}, {"geo_days"}),
    ("sla-risk", {}, {"geo_promises", "geo_points"}),
    ("equity", {"from": "2026-01", "to": "2026-02"}, {"geo_outcomes"}),
]


@pytest.fixture(scope="module", autouse=True)
async def _world(api: Api) -> None:
    await emptied(api.core)
    await file_reports(api.core, reports(400, seed=5))


async def profiled(
    api: Api, path: str, role: str | None, query: dict[str, object]
) -> list[Document]:
    """Return what the server has noted about reads of projections while it answered."""
    db = api.core.db
    await db.command("profile", 2)
    try:
        await answer(api, path, *([role] if role else []), **query)
    finally:
        await db.command("profile", 0)
    wanted = {"ns": {"$regex": r"\.geo_(points|cells|days|promises|outcomes)$"}}
    noted = await db["system.profile"].find(wanted).to_list()
    await db["system.profile"].drop()
    return noted


@pytest.mark.parametrize("role", ["auditor", None])
@pytest.mark.parametrize(("path", "query", "read"), QUESTIONS)
async def test_no_collection_is_read_from_end_to_end(
    api: Api, path: str, query: dict[str, object], read: set[str], role: str | None
) -> None:
    noted = await profiled(api, path, role, query)
    assert {entry["ns"].partition(".")[2] for entry in noted} >= read
    for entry in noted:
        assert "COLLSCAN" not in entry["planSummary"], entry["command"]
        assert "IXSCAN" in entry["planSummary"], entry["command"]


async def test_counting_what_is_open_looks_at_nothing_else(api: Api) -> None:
    noted = await profiled(api, "zones", "auditor", {})
    by_zone_and_day = {"zone_id": "$zone_id", "day": "$day"}
    (counting,) = (
        entry for entry in noted if by_zone_and_day in _groups(entry) and "points" in entry["ns"]
    )
    open_ones = await api.core.db["geo_points"].count_documents({"status": "new"})
    assert counting["docsExamined"] <= open_ones < 200
    assert counting["keysExamined"] <= open_ones + 1


def _groups(entry: Document) -> list[Document]:
    stages = entry["command"].get("pipeline", [])
    return [stage["$group"]["_id"] for stage in stages if "$group" in stage]
