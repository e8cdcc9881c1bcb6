"""What is wrong with a feed, a snapshot or a question about one is refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from geo_kit import Report, emptied, file_reports
from snapshots_kit import FEEDS, get, put, take

from cst_geo_analytics.snapshots import maker
from cst_testkit.apps import Api


@pytest.fixture(autouse=True)
async def _empty(api: Api) -> None:
    await emptied(api.core)


@pytest.mark.parametrize(
    ("name", "fields", "field"),
    [
        ("heatmap", {}, "name"),
        ("heatmap-public-1", {}, "name"),
        ("Upper", {}, "name"),
        ("a@1", {}, "name"),
        ("x" * 61, {}, "name"),
        ("all", {"query": {"category": ["dragons"]}}, "category"),
        ("all", {"query": {"bbox": "1,1,0,0"}}, "bbox"),
        ("all", {"query": {"resolution": 16}}, "query.resolution"),
        ("all", {"query": {"from": "2026-02-01", "to": "2026-01-01"}}, "from"),
        ("all", {"query": {"resolution": 9, "from": "2026-02-01"}}, "resolution"),
        ("all", {"query": {"zone_id": ["Atlantis"]}}, "zone_id"),
        ("all", {"keep": 367}, "keep"),
        ("all", {"every_hours": 0}, "every_hours"),
        ("all", {"starts_at": "2026-03-03T12:00:00"}, "starts_at"),
        ("all", {"audience": "friends"}, "audience"),
        ("all", {"colour": "red"}, "colour"),
    ],
    ids=str,
)
async def test_a_wrong_plan_is_refused_with_the_field_and_nothing_is_stored(
    api: Api, name: str, fields: dict[str, Any], field: str
) -> None:
    answer = await put(api, name, **fields)
    assert answer.status_code == 422, answer.text
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert await api.core.db["geo_feed_plans"].count_documents({}) == 0


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/all", {"at": "yesterday"}, "at"),
        ("/all", {"at": "2099-01-01T00:00:00Z"}, "at"),
        ("/all", {"format": "svg"}, "format"),
        ("/all/snapshots/0", {}, "number"),
        ("/all/snapshots/99999999999999999999", {}, "number"),
        ("/all/snapshots", {"cursor": "garbage"}, "cursor"),
        ("/all/snapshots", {"cursor": "WyIyMDI2LTAzLTAzVDE3OjAwOjAwKzAwOjAwIiwieCJd"}, "cursor"),
        ("/all/diff", {"from": "-1"}, "from"),
        ("/all/diff", {"to": "2026-13-01T00:00:00Z"}, "to"),
    ],
    ids=str,
)
async def test_a_wrong_question_is_refused_with_the_field(
    api: Api, path: str, query: dict[str, Any], field: str
) -> None:
    await put(api, "all")
    await take(api, "all")
    answer = await get(api, path, **query)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_map_that_is_too_large_is_refused_before_it_is_stored(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await file_reports(api.core, [Report()])
    await put(api, "all")
    monkeypatch.setattr(maker, "MAX_BYTES", 500)
    staff = api.as_("supervisor")
    answer = await api.client.post(f"{FEEDS}/all/snapshots", headers=staff)
    assert answer.status_code == 422
    (wrong,) = answer.json()["errors"]
    assert (wrong["field"], wrong["value"]) == ("resolution", 8)
    assert "a coarser resolution" in wrong["allowed"]
    assert (await put(api, "other")).status_code == 422
    assert await api.core.db["geo_feeds"].count_documents({"feed": {"$exists": True}}) == 0
