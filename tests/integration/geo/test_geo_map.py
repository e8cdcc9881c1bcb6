"""The map page's routes: the city to draw on, and the page as it was built, or not."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import Point, shape

from cst_geo_analytics.api.deps import MapParts, map_parts
from cst_geo_analytics.map_page import MapPage
from cst_testkit.apps import Api

ZONES, CONFIG = "/map/zones.geojson", "/map/config.json"
SCRIPT = "console.log('a page');"


@pytest.fixture
def built(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page with one script, in place of the built one."""
    assets = tmp_path / "assets"
    assets.mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>Map</title>")
    (assets / "index-1.js").write_text(SCRIPT)
    (assets / "index-1.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    _serve(api, tmp_path, monkeypatch)
    return tmp_path


def _serve(api: Api, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts: MapParts = api.app.state.geo_analytics.maps
    served = MapParts(parts.city, MapPage(root))
    monkeypatch.setitem(api.app.dependency_overrides, map_parts, lambda: served)


async def test_the_config_is_the_citys(api: Api) -> None:
    answer = await api.client.get(CONFIG)
    config = answer.json()
    assert config["city"]["time_zone"] == "America/New_York"
    assert config["city"]["bbox"] == [-74.27, 40.48, -73.68, 40.93]
    assert {"code": "pothole", "name": "Pothole", "public": "exact"} in config["categories"]
    assert config["now"].startswith("2026-03-03T17:")
    assert config["tiles"] is None
    assert answer.headers["cache-control"] == "no-cache"


async def test_zones_are_the_citys_lighter_and_where_their_points_are(api: Api) -> None:
    found = (await api.client.get(ZONES)).json()["features"]
    catalog = await api.core.catalog.get()
    assert [feature["id"] for feature in found] == sorted(catalog.zone_names)
    for feature in found:
        properties = feature["properties"]
        assert shape(feature["geometry"]).contains(Point(properties["lon"], properties["lat"]))
        hit = catalog.zones.locate(properties["lon"], properties["lat"])
        assert hit is not None
        assert (hit.zone_id, hit.snapped) == (feature["id"], False)
    stored = await api.core.db["zones"].find({}, {"_id": 0, "geometry": 1}).to_list()
    assert len(json.dumps(found)) < len(json.dumps(stored)) / 2


async def test_zones_are_sent_once(api: Api) -> None:
    first = await api.client.get(ZONES)
    tag = first.headers["etag"]
    for known in (f'"other", {tag}', f"W/{tag}", "*"):
        again = await api.client.get(ZONES, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
    other = await api.client.get(ZONES, headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


async def test_packed_and_plain_are_the_same_under_two_tags(api: Api) -> None:
    plain = await api.client.get(ZONES, headers={"Accept-Encoding": "identity"})
    packed = await api.client.get(ZONES, headers={"Accept-Encoding": "br, gzip;q=0.5"})
    refused = await api.client.get(ZONES, headers={"Accept-Encoding": "gzip;q=0"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in refused.headers
    assert packed.json() == plain.json() == refused.json()
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.headers["vary"] == "Accept-Encoding"


async def test_zones_follow_the_city(api: Api) -> None:
    """A new version of the city is a new answer, without a restart."""
    before = (await api.client.get(ZONES)).headers["etag"]
    catalog = await api.core.catalog.get()
    renamed = {**catalog.zone_names, "MN03": "Lower East Side, renamed"}
    changed = type(catalog)(
        **{name: getattr(catalog, name) for name in catalog.__dataclass_fields__}
        | {"zone_names": renamed, "fingerprint": "another"}
    )
    cache: Any = api.core.catalog
    cache._catalog = changed
    try:
        after = await api.client.get(ZONES)
    finally:
        cache._catalog = catalog
    assert after.headers["etag"] != before
    assert "Lower East Side, renamed" in after.text


async def test_the_page_comes_with_its_rules(api: Api, built: Path) -> None:
    page = await api.client.get("/map")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_a_script_is_kept_forever_packed_or_plain(
    api: Api, built: Path, encoding: str
) -> None:
    url = "/map/assets/index-1.js"
    answer = await api.client.get(url, headers={"Accept-Encoding": encoding})
    assert answer.text == SCRIPT
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers.get("content-encoding", "identity") == encoding


@pytest.mark.parametrize(
    "name", ["index-2.js", "index-1.js.gz", "..%2Findex.html", "%00", "a" * 3000]
)
async def test_what_is_no_asset_is_not_there(api: Api, built: Path, name: str) -> None:
    answer = await api.client.get(f"/map/assets/{name}")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("application/")


async def test_a_page_that_is_not_built_says_how_to_build_it(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _serve(api, tmp_path / "nothing", monkeypatch)
    answer = await api.client.get("/map")
    assert answer.status_code == 503
    assert answer.headers["content-type"].startswith("text/html")
    assert "make map" in answer.text
    assert (await api.client.get(CONFIG)).status_code == 200
