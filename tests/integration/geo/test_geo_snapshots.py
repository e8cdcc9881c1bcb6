"""Named feeds: defined, taken, listed, fetched, compared, pruned; and who sees what of them."""

from __future__ import annotations

from typing import Any

import pytest
from geo_kit import Report, changed, emptied, file_reports, happens
from snapshots_kit import FEEDS, counts, get, put, take

from cst_testkit.apps import DOWNTOWN, Api

LON, LAT = DOWNTOWN
#: Far enough from `DOWNTOWN` to lie in another cell at resolution 8, inside the city.
MIDTOWN = (-73.98, 40.75)
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
async def _empty(api: Api) -> None:
    await emptied(api.core)


async def test_a_snapshot_stays_what_it_was_when_the_map_moves_on(api: Api) -> None:
    await file_reports(api.core, [Report()] * 3)
    created = await put(api, "all")
    assert (created.status_code, created.headers["etag"]) == (201, '"1"')
    first = await take(api, "all")
    await file_reports(api.core, [Report(MIDTOWN)])
    second = await take(api, "all")
    assert (first["number"], second["number"]) == (1, 2)
    assert counts(await get(api, "/all/snapshots/1")) == [3]
    assert counts(await get(api, "/all/snapshots/2")) == [1, 3]
    assert counts(await get(api, "/all")) == [1, 3]
    stored = await api.core.db["geo_feeds"].find_one({"feed_name": "all@1"})
    assert stored is not None
    assert {"feed_name", "generated_at", "filters", "geojson", "aggregation", "etag"} <= set(stored)
    assert "expires_at" not in stored


async def test_a_snapshot_says_where_it_is_and_is_fetched_once(api: Api) -> None:
    await put(api, "all")
    answer = await api.client.post(f"{FEEDS}/all/snapshots", headers=api.as_("admin"))
    assert answer.headers["location"] == f"{FEEDS}/all/snapshots/1"
    for form in ("geojson", "cells", "png"):
        url = f"{answer.headers['location']}?format={form}"
        found = await api.client.get(url)
        assert found.status_code == 200
        known = {"If-None-Match": found.headers["etag"]}
        assert (await api.client.get(url, headers=known)).status_code == 304
    assert found.content.startswith(PNG)
    assert found.headers["content-type"] == "image/png"


async def test_cells_say_the_same_as_the_hexagons(api: Api) -> None:
    await file_reports(api.core, [Report(priority="P1"), Report(MIDTOWN)])
    await put(api, "weights", query={"weight": "priority"})
    await take(api, "weights")
    hexagons = (await get(api, "/weights")).json()["geojson"]["features"]
    cells = (await get(api, "/weights", format="cells")).json()["cells"]
    shown = [[f["properties"]["cell"], f["properties"]["weight"]] for f in hexagons]
    assert cells == shown
    assert sorted(weight for _, weight in cells) == [2, 8]


async def test_a_public_feed_shows_what_the_public_may_see_whoever_takes_it(api: Api) -> None:
    hidden = [Report(MIDTOWN, public="none"), Report(MIDTOWN, public="area")]
    await file_reports(api.core, [Report(), *hidden])
    await put(api, "open")
    await put(api, "inside", audience="staff")
    await take(api, "open")
    await take(api, "inside")
    for roles in ((), ("supervisor",)):
        assert counts(await get(api, "/open", *roles)) == [1]
    assert counts(await get(api, "/inside", "auditor")) == [1, 2]


@pytest.mark.parametrize(
    "path", ["/inside", "/inside/snapshots", "/inside/snapshots/1", "/inside/diff"]
)
@pytest.mark.parametrize("roles", [(), ("citizen",), ("agent",)], ids=str)
async def test_a_feed_for_staff_does_not_exist_for_others(
    api: Api, path: str, roles: tuple[str, ...]
) -> None:
    await put(api, "inside", audience="staff")
    await take(api, "inside")
    await take(api, "inside")
    found = await get(api, path, *roles)
    missing = await get(api, path.replace("inside", "absent"), *roles)
    assert (found.status_code, missing.status_code) == (404, 404)
    assert found.json()["detail"] == missing.json()["detail"].replace("absent", "inside")
    assert (await get(api, path, "auditor")).status_code == 200
    assert (await get(api, "", *roles)).json()["items"] == []


async def test_what_was_taken_for_staff_stays_theirs_when_the_feed_becomes_public(api: Api) -> None:
    await file_reports(api.core, [Report(public="none"), Report()])
    await put(api, "all", audience="staff")
    await take(api, "all")
    await put(api, "all", audience="public")
    for path in ("/all", "/all/snapshots/1"):
        assert (await get(api, path)).status_code == 404
    assert (await get(api, "/all/diff", **{"from": "1", "to": "1"})).status_code == 404
    assert (await get(api, "/all/snapshots")).json()["items"] == []
    (shown,) = (await get(api, "")).json()["items"]
    assert shown["latest"] is None
    await take(api, "all")
    assert counts(await get(api, "/all")) == [1]
    listed = (await get(api, "/all/snapshots")).json()["items"]
    assert [item["number"] for item in listed] == [2]
    (shown,) = (await get(api, "")).json()["items"]
    assert shown["latest"]["number"] == 2
    mixed = await get(api, "/all/diff", "auditor", **{"from": "1", "to": "2"})
    assert mixed.status_code == 422
    assert mixed.json()["errors"][0]["field"] == "from"


async def test_only_staff_see_who_changed_a_feed_and_what_went_wrong(api: Api) -> None:
    await put(api, "all")
    (public,) = (await get(api, "")).json()["items"]
    (staff,) = (await get(api, "", "dispatcher")).json()["items"]
    assert (public["updated_by"], staff["updated_by"]) == (None, "tester")


async def test_a_difference_names_what_rose_fell_came_and_went(api: Api) -> None:
    places = [(LON, LAT), MIDTOWN, (-73.95, 40.78), (-73.97, 40.65)]
    ids = await file_reports(
        api.core,
        [Report(places[0]), Report(places[1]), Report(places[1]), Report(places[2])],
    )
    await put(api, "open", query={"status": ["new"]})
    await take(api, "open")
    await file_reports(api.core, [Report(places[0]), Report(places[3])])
    for request_id in (ids[1], ids[3]):
        await happens(api.core, request_id, changed("triaged", {"rule": None}, status="triaged"))
    await take(api, "open")
    found = (await get(api, "/open/diff")).json()
    assert found["totals"] == {
        "rose": 1,
        "fell": 1,
        "came": 1,
        "went": 1,
        "unchanged": 0,
        "count_before": 4,
        "count_after": 4,
        "weight_before": 4.0,
        "weight_after": 4.0,
    }
    said = {f["properties"]["change"]: f["properties"] for f in found["features"]}
    figures = {
        change: (row["count_before"], row["count_after"], row["weight_change"])
        for change, row in said.items()
    }
    assert figures == {"rose": (1, 2, 1), "fell": (2, 1, -1), "came": (0, 1, 1), "went": (1, 0, -1)}
    assert all(f["geometry"]["type"] == "Polygon" for f in found["features"])
    assert (found["before"]["number"], found["after"]["number"]) == (1, 2)
    back = (await get(api, "/open/diff", **{"from": "2", "to": "1"})).json()["totals"]
    assert (back["came"], back["went"]) == (1, 1)


async def test_an_instant_names_the_snapshot_in_force_then(api: Api) -> None:
    await put(api, "all")
    first, second = await take(api, "all"), await take(api, "all")
    at_first = {"at": first["generated_at"]}
    assert (await get(api, "/all", **at_first)).json()["number"] == 1
    assert (await get(api, "/all", at=second["generated_at"])).json()["number"] == 2
    assert (await get(api, "/all", at="2020-01-01T00:00:00Z")).status_code == 404
    instants = {"from": first["generated_at"], "to": second["generated_at"]}
    found = (await get(api, "/all/diff", **instants)).json()
    assert (found["before"]["number"], found["after"]["number"]) == (1, 2)


async def test_one_snapshot_alone_has_nothing_to_be_compared_with(api: Api) -> None:
    await put(api, "all")
    assert (await get(api, "/all")).status_code == 404
    await take(api, "all")
    assert (await get(api, "/all/diff")).status_code == 404
    assert (await get(api, "/all/diff", **{"from": "7"})).status_code == 404


async def test_snapshots_of_different_questions_are_not_compared(api: Api) -> None:
    await put(api, "all")
    await take(api, "all")
    await put(api, "all", query={"resolution": 7})
    await take(api, "all")
    answer = await get(api, "/all/diff")
    assert answer.status_code == 422
    (wrong,) = answer.json()["errors"]
    assert (wrong["field"], wrong["value"]["resolution"]) == ("from", 8)


async def test_snapshots_whose_formula_names_an_hour_are_compared(api: Api) -> None:
    await put(api, "risk", query={"weight": "sla_risk"})
    await take(api, "risk")
    await take(api, "risk")
    assert (await get(api, "/risk/diff")).status_code == 200


async def test_a_feed_keeps_so_many_and_no_more(api: Api) -> None:
    await put(api, "all", keep=3)
    for _ in range(5):
        await take(api, "all")
    numbers = [item["number"] for item in (await get(api, "/all/snapshots")).json()["items"]]
    assert numbers == [5, 4, 3]
    assert (await get(api, "/all/snapshots/2")).status_code == 404
    await put(api, "all", keep=1)
    numbers = [item["number"] for item in (await get(api, "/all/snapshots")).json()["items"]]
    assert numbers == [5]
    assert (await take(api, "all"))["number"] == 6


async def test_lists_go_on_page_by_page(api: Api) -> None:
    for name in ("c", "a", "b"):
        await put(api, name)
    for _ in range(5):
        await take(api, "a")
    for path, expected in (("", ["a", "b", "c"]), ("/a/snapshots", [5, 4, 3, 2, 1])):
        found, query = list[Any](), dict[str, Any](limit=2)
        while True:
            page = (await get(api, path, **query)).json()
            found += [item.get("number", item.get("name")) for item in page["items"]]
            if page["next_cursor"] is None:
                break
            query["cursor"] = page["next_cursor"]
        assert found == expected


async def test_a_deleted_feed_is_gone_with_its_snapshots(api: Api) -> None:
    await put(api, "all")
    await take(api, "all")
    url, staff = f"{FEEDS}/all", api.as_("supervisor")
    assert (await api.client.delete(url, headers=staff)).status_code == 204
    assert (await api.client.delete(url, headers=staff)).status_code == 404
    assert (await api.client.post(f"{url}/snapshots", headers=staff)).status_code == 404
    assert await api.core.db["geo_feeds"].count_documents({"feed": "all"}) == 0
    assert (await put(api, "all")).status_code == 201
    assert (await get(api, "/all")).status_code == 404


async def test_a_change_over_anothers_change_is_refused(api: Api) -> None:
    await put(api, "all")
    changed_once = await put(api, "all", title="Once", headers={"If-Match": '"1"'})
    assert (changed_once.status_code, changed_once.json()["version"]) == (200, 2)
    stale = await put(api, "all", title="Twice", headers={"If-Match": '"1"'})
    assert stale.status_code == 409
    assert stale.json()["current_version"] == 2
    assert (await put(api, "other", headers={"If-Match": '"1"'})).status_code == 409
    assert (await put(api, "all", headers={"If-Match": "x"})).status_code == 422
    assert (await put(api, "all", headers={"If-Match": "*"})).status_code == 200


async def test_the_heatmap_and_its_cache_are_no_feeds(api: Api) -> None:
    await file_reports(api.core, [Report()])
    assert (await get(api, "/heatmap")).json()["feed_name"].startswith("heatmap-")
    assert (await get(api, "")).json()["items"] == []
    cached = await api.core.db["geo_feeds"].find_one({})
    assert cached is not None
    assert (await get(api, f"/{cached['feed_name']}")).status_code == 404
