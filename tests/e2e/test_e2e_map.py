"""The map page in a browser against the running system: drawn, live, filtered, searched."""

from __future__ import annotations

from typing import Any

from e2e_kit import Visit
from playwright.async_api import Route, expect

from cst_testkit.systems import RunningSystem

#: A park on Staten Island, where nothing was filed.
STATEN_ISLAND = {"coordinates": [-74.13, 40.58]}


async def test_it_loads_and_hexagons_appear(visit: Visit) -> None:
    assert await visit.hexagons() > 5
    await expect(visit.page.get_by_role("heading", level=1)).to_have_text("New York City")
    await expect(visit.page.locator("#legend")).to_contain_text("Reports per hexagon")
    await expect(visit.page.locator("#live")).to_have_attribute("data-state", "live")
    assert await visit.page.locator("#zones tbody tr").count() >= 71


async def test_a_new_report_shows_without_reload(visit: Visit, system: RunningSystem) -> None:
    await expect(visit.page.locator("#live")).to_have_attribute("data-state", "live")
    await visit.page.evaluate("window.sameDocument = true")
    before = await visit.hexagons()
    await system.file(location=STATEN_ISLAND)
    assert await visit.hexagons_other_than(before) == before + 1
    assert await visit.page.evaluate("window.sameDocument") is True


async def test_filters_change_what_is_drawn(visit: Visit) -> None:
    page = visit.page
    everything, before = await visit.picture(), await visit.hexagons()
    await page.get_by_label("Category").select_option("graffiti")
    some = await visit.hexagons_other_than(before)
    assert 0 < some < before
    assert await visit.picture() != everything
    await page.get_by_label("Status").select_option("closed")
    assert await visit.hexagons_other_than(some) == 0
    await expect(page.locator("#empty")).to_contain_text("Nothing here with these filters")
    await page.get_by_role("button", name="Take the filters back").click()
    assert await visit.hexagons_other_than(0) == before


async def test_layers_and_days_ask_other_questions(visit: Visit) -> None:
    page = visit.page
    for name, title in (("At risk", "Promises about to break"), ("Age", "Age × priority")):
        async with page.expect_response(lambda answer: "heatmap" in answer.url) as asked:
            await page.locator("#filters").get_by_text(name, exact=True).click()
        assert (await asked.value).status == 200
        if await visit.hexagons():
            await expect(page.locator("#legend")).to_contain_text(title)
    async with page.expect_response(lambda answer: "from=" in answer.url) as asked:
        await page.get_by_text("7 days", exact=True).click()
    assert (await asked.value).status == 200
    assert "period=7" in page.url


async def test_search_shows_a_timeline(visit: Visit, system: RunningSystem) -> None:
    request_id = await system.file()
    await system.assigned(request_id)
    await visit.page.get_by_label("Number of a request").fill(request_id.removeprefix("CST-"))
    await visit.page.keyboard.press("Enter")
    timeline = visit.page.get_by_role("list", name="Timeline")
    await expect(timeline.get_by_role("listitem").first).to_contain_text("Reported")
    await expect(timeline).to_contain_text("Assigned to a crew")
    await visit.page.get_by_role("button", name="All zones").click()
    await expect(visit.page.locator("#zones")).to_be_visible()


async def test_what_is_searched_in_vain_is_said(visit: Visit, system: RunningSystem) -> None:
    field = visit.page.get_by_label("Number of a request")
    await field.fill("pothole")
    await field.press("Enter")
    await expect(visit.page.locator("#search-error")).to_contain_text("CST-2026-0001")
    hidden = await system.file(category="sewer_backup")
    for wrong in ("CST-1999-0001", hidden):
        await field.fill(wrong)
        await field.press("Enter")
        await expect(visit.page.locator("#detail")).to_contain_text(f"{wrong} is not there, or")
    # The browser itself writes every 404 to the console.
    assert all("404" in complaint for complaint in visit.complaints)
    visit.complaints.clear()


async def test_a_zone_has_its_numbers_and_charts(visit: Visit) -> None:
    first = visit.page.locator("#zones tbody tr").first
    name = await first.get_by_role("button").inner_text()
    await first.get_by_role("button").click()
    detail = visit.page.locator("#detail")
    await expect(detail.get_by_role("heading", level=2)).to_have_text(name)
    await expect(detail.get_by_role("heading", level=2)).to_be_focused()
    await expect(detail.locator("svg")).to_have_count(3)
    await expect(detail.locator(".kpi")).to_have_count(4)


async def test_a_hexagon_lists_what_is_in_it(visit: Visit) -> None:
    await visit.page.get_by_role("tab", name="Hexagons in view").click()
    await visit.page.locator("#cells tbody button").first.click()
    listed = visit.page.locator(".requests button")
    await expect(listed.first).to_contain_text("CST-")
    await listed.first.click()
    await expect(visit.page.get_by_role("list", name="Timeline")).to_be_visible()


async def test_it_says_so_when_it_is_offline(visit: Visit) -> None:
    banner = visit.page.locator("#banner")
    await visit.page.context.set_offline(True)
    await expect(banner).to_contain_text("You are offline")
    await visit.page.context.set_offline(False)
    await expect(banner).to_be_hidden()
    await expect(visit.page.locator("#live")).to_have_attribute("data-state", "live")
    visit.complaints.clear()  # the browser's own, of requests that failed meanwhile


async def test_it_says_so_when_the_server_does_not_answer(visit: Visit) -> None:
    async def fail(route: Route) -> None:
        await route.fulfill(status=503, json={"detail": "no"})

    await visit.page.route("**/analytics/geofeeds/**", fail)
    await visit.page.get_by_label("Status").select_option("all")
    banner = visit.page.locator("#banner")
    await expect(banner).to_contain_text("The server has trouble")
    await visit.page.unroute("**/analytics/geofeeds/**")
    await visit.page.get_by_label("Status").select_option("open")
    await expect(banner).to_be_hidden()
    assert all("503" in complaint for complaint in visit.complaints)
    visit.complaints.clear()


async def test_the_page_works_by_keyboard(visit: Visit) -> None:
    page = visit.page
    await page.keyboard.press("Tab")
    await expect(page.get_by_text("Skip the map")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#panel")).to_be_focused()
    await page.get_by_role("tab", name="Zones").focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("tab", name="Hexagons in view")).to_be_focused()
    await page.locator("#cells tbody button").first.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#detail h2")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#overview")).to_be_visible()


async def test_a_reader_is_told_what_is_shown(visit: Visit) -> None:
    said: Any = visit.page.locator("#announce")
    await expect(said).to_contain_text("in view")
    await visit.page.get_by_label("Status").select_option("closed")
    await expect(said).to_have_text("No reports in view with these filters.")
