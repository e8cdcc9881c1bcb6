"""A running system with reports in it, a browser, and a page that is watched while it is used."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from e2e_kit import DESKTOP, Visit, visiting
from playwright.async_api import Browser, async_playwright

from cst_geo_analytics.map_page import BUILT
from cst_stack import Home, down
from cst_testkit.apps import agent_body
from cst_testkit.leftovers import processes_of
from cst_testkit.systems import RunningSystem, auth_headers, running_app
from cst_testkit.waiting import poll_until, wait_until

#: WebGL without a graphics card; nothing that asks another host.
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
#: Where reports are filed: in the middle of land in all five boroughs.
AROUND = [(-73.98, 40.75), (-73.95, 40.65), (-73.9, 40.85), (-73.83, 40.72), (-73.87, 40.75)]
CATEGORIES = ["pothole", "graffiti", "street_light", "street_sign", "litter_basket"]
REPORTS = 80


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


def _needed(what: str | None, how: str) -> None:
    """Skip where something is missing; fail where CST_E2E says that it must be there."""
    if what is not None:
        return
    if os.environ.get("CST_E2E") == "required":
        pytest.fail(how)
    pytest.skip(how)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    _needed(found, "no chromium on the PATH (Debian: apt-get install chromium)")
    built = BUILT / "index.html"
    _needed(str(built) if built.is_file() else None, "the map page is not built: make map")
    return str(found)


@pytest.fixture(scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGS)
        yield running
        await running.close()


@pytest.fixture(scope="session")
async def system(
    chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningSystem]:
    """The whole app on a Tuesday noon in New York, with reports that are assigned."""
    home = Home(tmp_path_factory.mktemp("e2e"))
    async with running_app(home) as running:
        await _fill(running)
        yield running
    down(home)
    poll_until(lambda: not processes_of(home), what=f"nothing to run in {home.root}")


async def _fill(system: RunningSystem) -> None:
    # The tests have requests assigned, so there is somebody with room for all.
    crew, admin = agent_body(capacity=200), auth_headers("admin")
    hired = await system.client.post("/agents", json=crew, headers=admin)
    assert hired.status_code == 201, hired.text
    chance = random.Random(311)
    bodies: list[dict[str, Any]] = []
    for number in range(REPORTS):
        lon, lat = AROUND[min(chance.randrange(7), len(AROUND) - 1)]
        point = [round(lon + chance.gauss(0, 0.02), 5), round(lat + chance.gauss(0, 0.02), 5)]
        category = CATEGORIES[number % len(CATEGORIES)]
        bodies.append({"category": category, "location": {"coordinates": point}})
    for start in range(0, REPORTS, 8):
        part = bodies[start : start + 8]
        answers = await asyncio.gather(*(_file(system, body) for body in part))
        # Some points fall into the water, where nobody reports anything.
        assert set(answers) <= {201, 422}
    await _on_the_map(system)


async def _file(system: RunningSystem, body: dict[str, Any]) -> int:
    report = {"citizen_ref": {}, "description": "seen from the street", **body}
    return (await system.client.post("/requests/", json=report)).status_code


async def _on_the_map(system: RunningSystem) -> None:
    async def counted() -> bool:
        async with system.database() as db:
            stored = await db["service_requests"].count_documents({})
            shown = await db["geo_points"].count_documents({"status": {"$ne": "new"}})
        return 0 < stored <= shown

    await wait_until(counted, 120, "all reports to be on the map")


@pytest.fixture
async def visit(browser: Browser, system: RunningSystem) -> AsyncIterator[Visit]:
    """The page on a desktop, drawn; afterwards nothing may have gone wrong in it."""
    async with visiting(browser, str(system.client.base_url), DESKTOP) as opened:
        yield opened
    opened.assert_clean()
