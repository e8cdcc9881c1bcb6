"""Opens the page as somebody would, and watches what it does meanwhile."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, ConsoleMessage, Page, Request, expect

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "web/map/node_modules/axe-core/axe.min.js"
DESKTOP, PHONE = (1366, 800), (390, 844)
#: A software renderer on a busy machine takes its time.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)

Scheme = Literal["light", "dark"]


def artifacts() -> Path:
    """Return the folder for screenshots."""
    folder = Path(os.environ.get("CST_ARTIFACTS") or ROOT / ".cst/artifacts")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@dataclass
class Visit:
    """A page that is watched: what it complains of, and whom it asks besides its own server."""

    page: Page
    home: str
    complaints: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Begin to watch."""
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.home, "data:", "blob:")):
            self.outside.append(request.url)

    def assert_clean(self) -> None:
        """Assert that nothing went wrong, and that no other host was asked."""
        assert self.complaints == []
        assert self.outside == []

    async def open(self, fragment: str = "") -> None:
        """Load the page and wait until it has drawn what it knows."""
        await self.page.goto(f"{self.home}/map{fragment}")
        await self.drawn()

    async def drawn(self) -> int:
        """Wait until hexagons were drawn (maybe none); return how many."""
        await self.page.wait_for_selector("body[data-hexagons]", state="attached")
        return await self.hexagons()

    async def hexagons(self) -> int:
        """Return how many hexagons are drawn."""
        return int(await self.page.evaluate("document.body.dataset.hexagons"))

    async def hexagons_other_than(self, before: int) -> int:
        """Wait until there is another number of hexagons; return it."""
        await self.page.wait_for_function(
            "before => document.body.dataset.hexagons !== String(before)", arg=before
        )
        return await self.hexagons()

    async def picture(self) -> bytes:
        """Return what the page looks like now."""
        return await self.page.screenshot(animations="disabled")

    async def faults(self) -> list[dict[str, Any]]:
        """Return the serious and critical faults that axe finds, with where they are."""
        await self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: dict[str, Any] = await self.page.evaluate("axe.run()")
        return [
            {"rule": fault["id"], "nodes": [node["html"][:200] for node in fault["nodes"]]}
            for fault in found["violations"]
            if fault["impact"] in ("serious", "critical")
        ]


@asynccontextmanager
async def visiting(
    browser: Browser, url: str, size: tuple[int, int], scheme: Scheme = "light", fragment: str = ""
) -> AsyncIterator[Visit]:
    """Open the page in a window of ``size``, in light or dark."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        has_touch=size == PHONE,
        is_mobile=size == PHONE,
    )
    context.set_default_timeout(PATIENCE_MS)
    try:
        visit = Visit(await context.new_page(), url.rstrip("/"))
        visit.watch()
        await visit.open(fragment)
        yield visit
    finally:
        await context.close()
