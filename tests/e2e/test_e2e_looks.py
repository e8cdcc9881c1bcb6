"""How the page looks and reads: on a phone and a desktop, in light and dark, to everybody."""

from __future__ import annotations

import pytest
from e2e_kit import DESKTOP, PHONE, Scheme, Visit, artifacts, visiting
from playwright.async_api import Browser, expect

from cst_testkit.systems import RunningSystem

SIZES = {"desktop": DESKTOP, "phone": PHONE}


async def _shot(visit: Visit, name: str) -> None:
    await expect(visit.page.locator("#live")).to_have_attribute("data-state", "live")
    await expect(visit.page.locator("#map")).to_have_attribute("aria-busy", "false")
    path = artifacts() / f"map-{name}.png"
    await visit.page.screenshot(path=path)
    assert path.stat().st_size > 20_000, "a picture with something in it"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", list(SIZES))
async def test_nothing_keeps_anybody_out(
    browser: Browser, system: RunningSystem, device: str, scheme: Scheme
) -> None:
    url = str(system.client.base_url)
    async with visiting(browser, url, SIZES[device], scheme) as visit:
        assert await visit.faults() == []
        await _shot(visit, f"{device}-{scheme}")
        request_id = await system.file()
        await system.assigned(request_id)
        await visit.page.get_by_label("Number of a request").fill(request_id)
        await visit.page.keyboard.press("Enter")
        await expect(visit.page.get_by_role("list", name="Timeline")).to_be_visible()
        assert await visit.faults() == []
        await _shot(visit, f"{device}-{scheme}-request")
        await visit.page.get_by_role("button", name="All zones").click()
        await visit.page.locator("#zones tbody button").first.click()
        await expect(visit.page.locator("#detail svg")).to_have_count(3)
        assert await visit.faults() == []
        await _shot(visit, f"{device}-{scheme}-zone")
        visit.assert_clean()


async def test_the_theme_can_be_chosen_and_is_kept(visit: Visit) -> None:
    root = visit.page.locator("html")
    await expect(root).to_have_attribute("data-theme", "light")
    light = await visit.picture()
    await visit.page.get_by_role("button", name="Dark mode").click()
    await expect(root).to_have_attribute("data-theme", "dark")
    assert await visit.picture() != light
    await visit.page.reload()
    await visit.drawn()
    await expect(root).to_have_attribute("data-theme", "dark")


async def test_on_a_phone_the_panel_is_a_sheet(browser: Browser, system: RunningSystem) -> None:
    async with visiting(browser, str(system.client.base_url), PHONE) as visit:
        panel, handle = visit.page.locator("#panel"), visit.page.locator("#sheet")
        await expect(panel).to_have_attribute("data-sheet", "half")
        await handle.click()
        await expect(panel).to_have_attribute("data-sheet", "full")
        await handle.click()
        await expect(panel).to_have_attribute("data-sheet", "low")
        await expect(handle).to_have_attribute("aria-expanded", "false")
        assert await visit.page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
        visit.assert_clean()
