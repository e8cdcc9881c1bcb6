"""The map page's files: what is served of a build, and under which rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from cst_core.errors import ConfigError
from cst_core.settings import Settings, load_settings
from cst_geo_analytics.map_page import MapPage, page_headers

TILES = "https://tiles.example.org:8443/osm/{z}/{x}/{y}.png"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    assets = tmp_path / "page" / "assets"
    assets.mkdir(parents=True)
    (tmp_path / "secret.js").write_text("no")
    (assets.parent / "index.html").write_text("<!doctype html>")
    for name in ("index-1.js", "index-1.js.gz", "style.css", "notes.txt", ".hidden.js"):
        (assets / name).write_text(name)
    return assets.parent


def test_a_page_that_was_not_built_has_no_files(tmp_path: Path) -> None:
    page = MapPage(tmp_path / "page")
    assert page.index() is None
    assert page.asset("index-1.js") is None


def test_a_file_comes_with_its_type_and_its_packed_copy(built: Path) -> None:
    page = MapPage(built)
    script, style = page.asset("index-1.js"), page.asset("style.css")
    assert script is not None
    assert script.content_type.startswith("text/javascript")
    assert script.packed == built / "assets" / "index-1.js.gz"
    assert style is not None
    assert (style.content_type, style.packed) == ("text/css; charset=utf-8", None)


@pytest.mark.parametrize(
    "name",
    [
        "../index.html",
        "../../secret.js",
        "..",
        ".hidden.js",
        "notes.txt",
        "index-1.js.gz",
        "index-1.js/",
        "index-1.js\0",
        "",
        "x" * 5000,
    ],
)
def test_nothing_else_is_served(built: Path, name: str) -> None:
    assert MapPage(built).asset(name) is None


def test_the_page_may_ask_nobody_else() -> None:
    policy = page_headers("")["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "connect-src 'self';" in policy
    assert "http" not in policy
    assert "unsafe" not in policy


def test_tiles_open_the_policy_for_their_host_alone() -> None:
    policy = page_headers(TILES)["Content-Security-Policy"]
    assert "connect-src 'self' https://tiles.example.org:8443;" in policy
    assert "img-src 'self' data: blob: https://tiles.example.org:8443;" in policy
    assert "script-src 'self';" in policy


def test_tiles_are_an_address_with_its_three_places() -> None:
    assert load_settings(Settings, _env_file=None, map_tiles=TILES).map_tiles == TILES


@pytest.mark.parametrize(
    "wrong",
    [
        "tiles.example.org/{z}/{x}/{y}.png",
        "https://tiles.example.org/{z}/{x}.png",
        "https://tiles.example.org; script-src */{z}/{x}/{y}.png",
        "javascript://a/{z}/{x}/{y}",
        "https://a b/{z}/{x}/{y}",
        "https://a\n/{z}/{x}/{y}",
    ],
)
def test_other_tiles_are_refused_when_the_process_starts(wrong: str) -> None:
    with pytest.raises(ConfigError, match="CST_MAP_TILES"):
        load_settings(Settings, _env_file=None, map_tiles=wrong)
