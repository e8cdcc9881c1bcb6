"""The heatmap over HTTP: what it counts, how it is told, and how it is kept."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import h3
import httpx
import pytest
from geo_kit import Report, changed, file_reports, happens
from PIL import Image

from cst_geo_analytics.domain.making import Making
from cst_geo_analytics.domain.queries import HeatmapQuery
from cst_process.core import Core
from cst_testkit.apps import DOWNTOWN, Api

PATH = "/analytics/geofeeds/heatmap"
BROOKLYN = (-73.95, 40.65)
#: The clock of these tests is at noon of 3 March in New York.
MORNING = datetime(2026, 3, 3, 13, tzinfo=UTC)
LEAF = h3.latlng_to_cell(DOWNTOWN[1], DOWNTOWN[0], 10)


async def ask(api: Api, staff: bool = False, **params: Any) -> httpx.Response:
    """Ask for a heatmap; ``from_`` is the parameter ``from``."""
    query = {name.rstrip("_"): value for name, value in params.items()}
    return await api.client.get(PATH, params=query, headers=api.as_("auditor") if staff else {})


async def counts(api: Api, staff: bool = False, **params: Any) -> dict[str, Any]:
    """Return the weight of each cell."""
    answer = await ask(api, staff, format="cells", **params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["cells"])


async def test_every_resolution_rolls_up_the_leaves(api: Api, core: Core) -> None:
    await file_reports(core, [Report(), Report(point=BROOKLYN), Report(point=None)])
    for level in range(5, 11):
        found = await counts(api, resolution=level)
        assert found[h3.cell_to_parent(LEAF, level)] >= 1
        assert sum(found.values()) == 2
    assert await counts(api, zoom=13) == await counts(api)
    assert await counts(api, zoom=22) == await counts(api, resolution=10)


async def test_days_are_local_and_both_inclusive(api: Api, core: Core) -> None:
    late = datetime(2026, 3, 1, 4, 30, tzinfo=UTC)  # 23:30 on 28 February in New York
    await file_reports(core, [Report(created_at=late), Report(created_at=MORNING)])
    cell = h3.cell_to_parent(LEAF, 8)
    assert await counts(api, from_="2026-02-28", to="2026-02-28") == {cell: 1}
    assert await counts(api, from_="2026-03-01") == {cell: 1}
    assert await counts(api, to="2026-03-03") == {cell: 2}
    assert await counts(api, from_="2026-03-01", to="2026-03-02") == {}
    by_zoom = (await ask(api, zoom=18, from_="2026-02-28")).json()["filters"]["resolution"]
    assert by_zoom == 8


async def test_weights(api: Api, core: Core) -> None:
    now = core.clock.now()
    soon, over = now + timedelta(hours=23), now - timedelta(hours=40)
    reports = [
        Report(priority="P1", created_at=now - timedelta(hours=10), due_at=soon),
        Report(priority="P4", created_at=now - timedelta(hours=50), due_at=over),
        Report(priority="P4", created_at=now, due_at=now + timedelta(hours=30)),
        Report(priority="P2", created_at=now - timedelta(days=90), due_at=over, resolved_at=now),
    ]
    await file_reports(core, reports)
    found = {w: (await counts(api, weight=w)).popitem()[1] for w in ("count", "priority")}
    assert found == {"count": 4, "priority": 8 + 1 + 1 + 4}
    [age] = (await counts(api, weight="priority_age")).values()
    assert age == pytest.approx(8 * 10 + 50, abs=0.5)  # what has ended ages no more
    [closed] = (await counts(api, weight="priority_age", status="closed")).values()
    assert closed == pytest.approx(4 * 90 * 24, abs=0.5)
    assert list((await counts(api, weight="sla_risk")).values()) == [2]
    assert list((await counts(api, weight="sla_risk", risk_hours=31)).values()) == [3]
    assert list((await counts(api, weight="sla_risk", risk_hours=1)).values()) == [1]


async def test_a_box_takes_cells_by_their_centre(api: Api, core: Core) -> None:
    await file_reports(core, [Report(), Report(point=BROOKLYN)])
    lat, lon = h3.cell_to_latlng(h3.cell_to_parent(LEAF, 8))
    around = f"{lon - 1e-6},{lat - 1e-6},{lon + 1e-6},{lat + 1e-6}"
    assert await counts(api, bbox=around) == {h3.cell_to_parent(LEAF, 8): 1}
    assert await counts(api, bbox=f"{lon + 1e-6},40,-73,41", zone_id="MN03") == {}
    assert await counts(api, bbox="170,-20,-170,-10") == {}
    assert len(await counts(api, bbox="-180,-90,180,90")) == 2


async def test_hexagons_carry_count_weight_and_share(api: Api, core: Core) -> None:
    await file_reports(core, [Report(priority="P1"), Report(point=BROOKLYN, priority="P3")])
    body = (await ask(api, resolution=9, weight="priority")).json()
    shown = [feature["properties"] for feature in body["geojson"]["features"]]
    assert {(p["count"], p["weight"], p["share"]) for p in shown} == {(1, 8, 0.8), (1, 2, 0.2)}
    assert body["aggregation"] == {
        "method": "h3",
        "weight_formula": "priority: sum over requests of P1=8, P2=4, P3=2, P4=1",
        "tile_hint": "h3:9",
    }
    assert body["filters"]["area"] == "excluded"
    stored = await core.db["geo_feeds"].find_one({"feed_name": body["feed_name"]})
    assert stored is not None
    assert stored["geojson"] == body["geojson"]
    assert stored["etag"] == body["etag"]


async def test_a_picture_is_a_png_of_its_size(api: Api, core: Core) -> None:
    empty = await ask(api, format="png", width=300, height=200)
    await file_reports(core, [Report(), Report(point=BROOKLYN)])
    full = await ask(api, format="png", width=300, height=200)
    for answer in (empty, full):
        assert answer.headers["content-type"] == "image/png"
        assert Image.open(io.BytesIO(answer.content)).size == (300, 200)
    assert empty.content != full.content
    assert empty.headers["etag"] != full.headers["etag"]
    again = {"If-None-Match": full.headers["etag"]}
    params: dict[str, str | int] = {"format": "png", "width": 300, "height": 200}
    assert (await api.client.get(PATH, params=params, headers=again)).status_code == 304
    assert (await ask(api, format="png", width=300, height=200)).content == full.content


@pytest.mark.parametrize("form", ["geojson", "cells", "png"])
async def test_an_unchanged_answer_is_not_sent_again(api: Api, core: Core, form: str) -> None:
    await file_reports(core, [Report()])
    first = await ask(api, format=form)
    tag = first.headers["etag"]
    assert tag.startswith('"')  # strong: the bytes are the same
    assert first.headers["vary"] == "Authorization"
    for known in (tag, f'"x", W/{tag}', "*"):
        headers = {"If-None-Match": known}
        answer = await api.client.get(PATH, params={"format": form}, headers=headers)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == tag
    for unknown in ('"x"', tag.strip('"'), f'"{"y" * 5000}"'):
        headers = {"If-None-Match": unknown}
        answer = await api.client.get(PATH, params={"format": form}, headers=headers)
        assert (answer.status_code, answer.content) == (200, first.content)


async def test_each_form_has_a_tag_of_its_own(api: Api, core: Core) -> None:
    sized = ({"format": "png"}, {"format": "png", "width": 300})
    asked: list[dict[str, Any]] = [{"format": "geojson"}, {"format": "cells"}, *sized]
    tags = {(await ask(api, **params)).headers["etag"] for params in asked}
    assert len(tags) == 4


async def test_an_event_makes_an_answer_stale_at_once(api: Api, core: Core) -> None:
    [request_id] = await file_reports(core, [Report()])
    first = await ask(api)
    assert (await ask(api)).content == first.content
    await file_reports(core, [Report()])
    assert list((await counts(api)).values()) == [2]
    link = {"role": "duplicate", "other_request_id": "CST-2026-0001", "how": "manual"}
    merged = changed("duplicate_linked", link, duplicates__is_master=False)
    await happens(core, request_id, merged)
    assert list((await counts(api)).values()) == [1]


async def test_what_happens_elsewhere_leaves_an_answer_and_its_tag(api: Api, core: Core) -> None:
    await file_reports(core, [Report()])
    lon, lat = DOWNTOWN
    here = f"{lon - 0.02},{lat - 0.02},{lon + 0.02},{lat + 0.02}"
    first = await ask(api, bbox=here)
    await file_reports(core, [Report(point=BROOKLYN)])
    later = await ask(api, bbox=here)
    assert (later.content, later.headers["etag"]) == (first.content, first.headers["etag"])


async def test_the_cache_is_used_while_nothing_happens(api: Api, core: Core) -> None:
    await file_reports(core, [Report()])
    name = (await ask(api)).json()["feed_name"]
    marked = {"geojson.features.0.properties.count": 77, "etag": "other"}
    await core.db["geo_feeds"].update_one({"feed_name": name}, {"$set": marked})
    features = (await ask(api)).json()["geojson"]["features"]
    assert features[0]["properties"]["count"] == 77
    past = {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}
    await core.db["geo_feeds"].update_one({"feed_name": name}, {"$set": past})
    features = (await ask(api)).json()["geojson"]["features"]
    assert features[0]["properties"]["count"] == 1


async def test_staff_and_the_public_share_no_answer(api: Api, core: Core) -> None:
    await file_reports(core, [Report(), Report(public="none")])
    for _ in range(2):
        public, staff = await ask(api), await ask(api, staff=True)
        shown = [
            f["properties"]["count"]
            for a in (public, staff)
            for f in a.json()["geojson"]["features"]
        ]
        assert shown == [1, 2]
        assert staff.headers["cache-control"] == "private, no-cache"
    assert await core.db["geo_feeds"].count_documents({}) == 2


async def test_only_so_many_answers_are_kept(api: Api, core: Core) -> None:
    kept = core.db["geo_feeds"]
    ends = datetime(2100, 1, 1, tzinfo=UTC)
    await kept.insert_many(
        [{"feed_name": f"heatmap-public-{n}", "expires_at": ends} for n in range(100)]
    )
    assert (await ask(api)).status_code == 200
    assert await kept.count_documents({}) == 100
    await kept.delete_many({"feed_name": "heatmap-public-7"})
    assert (await ask(api)).status_code == 200
    assert await kept.count_documents({}) == 100


async def test_who_asks_at_once_is_answered_by_one_computation(
    api: Api, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    await file_reports(core, [Report()])
    begun = 0
    plain = Making.__init__

    def counted(self: Making, query: HeatmapQuery, **rest: Any) -> None:
        nonlocal begun
        begun += 1
        plain(self, query, **rest)

    monkeypatch.setattr(Making, "__init__", counted)
    answers = await asyncio.gather(*(ask(api, resolution=9) for _ in range(30)))
    assert {answer.content for answer in answers} == {answers[0].content}
    assert begun < 30


@pytest.mark.parametrize(
    ("params", "field", "allowed"),
    [
        ({"resolution": 16}, "resolution", None),
        ({"resolution": 4}, "resolution", None),
        ({"resolution": "fine"}, "resolution", None),
        ({"zoom": 23}, "zoom", None),
        ({"zoom": "nan"}, "zoom", None),
        ({"zoom": 9, "resolution": 8}, "zoom", ["one of the two"]),
        ({"bbox": "-73,40,-74,41"}, "bbox", ["west,south,east,north in degrees"]),
        ({"bbox": "-74,41,-73,40"}, "bbox", ["west,south,east,north in degrees"]),
        ({"bbox": "-190,40,-73,41"}, "bbox", None),
        ({"bbox": "1,2,3"}, "bbox", None),
        ({"bbox": "1," * 200}, "bbox", None),
        ({"category": "potole"}, "category", ["pothole"]),
        ({"zone_id": "ZZ99"}, "zone_id", ["UNKNOWN", "MN01"]),
        ({"status": "done"}, "status.0", None),
        ({"priority": "P9"}, "priority.0", None),
        ({"from_": "2026-02-30"}, "from", ["YYYY-MM-DD"]),
        ({"from_": "3.3.2026"}, "from", None),
        ({"from_": "2026-03-03", "to": "2026-03-02"}, "from", ["at most 2026-03-02"]),
        ({"from_": "2026-03-03", "resolution": 9}, "resolution", ["5", "6", "7", "8"]),
        ({"weight": "love"}, "weight", None),
        ({"weight": "sla_risk", "status": "new"}, "status", ["another weight"]),
        ({"weight": "sla_risk", "to": "2026-03-02"}, "to", ["another weight"]),
        ({"weight": "sla_risk", "risk_hours": 0}, "risk_hours", None),
        ({"risk_hours": 24}, "risk_hours", ["weight=sla_risk"]),
        ({"format": "pdf"}, "format", None),
        ({"format": "png", "width": 20_000}, "width", None),
        ({"width": 500}, "width", ["format=png"]),
        ({"colour": "red"}, "colour", None),
    ],
    ids=str,
)
async def test_a_wrong_parameter_is_named(
    api: Api, params: dict[str, Any], field: str, allowed: list[str] | None
) -> None:
    answer = await ask(api, **params)
    assert answer.status_code == 422, answer.text
    error = answer.json()["errors"][0]
    assert error["field"] == field
    assert "value" in error
    assert allowed is None or set(allowed) <= set(error["allowed"]) | {"UNKNOWN"}


async def test_a_giant_answer_is_refused_and_its_compact_form_is_not(api: Api, core: Core) -> None:
    lat, lon = h3.cell_to_latlng(LEAF)
    cells = h3.grid_disk(LEAF, 82)  # 20,419 of them
    rows = [
        {"cell": cell, "public": "exact", "n": 1, "w": 2, "wt": 0}
        | dict(zip(("lat", "lon"), h3.cell_to_latlng(cell), strict=True))
        for cell in cells
    ]
    await core.db["geo_cells"].insert_many(rows)
    for form in ("geojson", "png"):
        answer = await ask(api, resolution=10, format=form)
        [error] = answer.json()["errors"]
        assert (answer.status_code, error["field"]) == (422, "resolution")
        assert set(error["allowed"]) == {"a smaller bbox", "a resolution below 10", "format=cells"}
    assert len(await counts(api, resolution=10)) == len(cells)
    assert (await ask(api, resolution=9)).status_code == 200
    near = f"{lon - 0.01},{lat - 0.01},{lon + 0.01},{lat + 0.01}"
    assert 0 < len(await counts(api, resolution=10, bbox=near)) < 1_000
    kept = [row async for row in core.db["geo_feeds"].find({}, {"geojson": 0})]
    assert {row["filters"]["resolution"] for row in kept} == {9, 10}
    assert all("bbox" in row["filters"] for row in kept if row["filters"]["resolution"] == 10)


@pytest.mark.parametrize(
    ("collection", "params"),
    [
        ("geo_cells", {"resolution": 9}),
        ("geo_days", {"from": "2026-03-01"}),
        ("geo_promises", {"weight": "sla_risk"}),
        ("geo_areas", {"resolution": 7}),
    ],
)
async def test_a_viewport_is_read_by_an_index(
    core: Core, collection: str, params: dict[str, Any]
) -> None:
    lon, lat = DOWNTOWN
    for box in (f"{lon},{lat},{lon + 0.01},{lat + 0.01}", "179,-20,-179,-10"):
        query = HeatmapQuery.model_validate(params | {"bbox": box})
        making = Making(query, staff=False, now=MORNING)
        wanted = making.areas_wanted if collection == "geo_areas" else making.wanted
        explained = await core.db.command(
            "explain", {"find": collection, "filter": {**(wanted or {}), "n": {"$gt": 0}}}
        )
        plan = str(explained["queryPlanner"]["winningPlan"])
        assert "COLLSCAN" not in plan
        assert "IXSCAN" in plan
