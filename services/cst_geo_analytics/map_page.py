"""The map page as Vite has built it (`make map`), and under which rules a browser shows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

#: Where `make map` puts the page; not part of the repository.
BUILT = Path(__file__).with_name("page")
#: What a build consists of. Nothing else is served, whatever lies there.
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")

NOTICE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>The map is not built</title>
<h1>The map page is not built</h1>
<p>Run <code>make map</code> where the repository is, with Node 20.19 or later or where
<code>pip</code> can fetch it, and load this page again. It needs no restart.</p>
<p>All that it shows is at <a href="/docs">/docs</a>, for instance
<a href="/analytics/geofeeds/heatmap?resolution=8">the heatmap</a>.</p>
</html>
"""


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page; ``packed`` is its gzip, where the build made one."""

    path: Path
    content_type: str
    packed: Path | None


class MapPage:
    """Finds the files of the built page."""

    def __init__(self, root: Path = BUILT) -> None:
        self._root = root

    def index(self) -> PageFile | None:
        """Return the page itself; None where it was not built."""
        return _file(self._root / "index.html")

    def asset(self, name: str) -> PageFile | None:
        """Return a script, style or picture by its name; None where there is none."""
        return _file(self._root / "assets" / name) if _NAME.fullmatch(name) else None


def _file(path: Path) -> PageFile | None:
    content_type = CONTENT_TYPES.get(path.suffix)
    if content_type is None or not path.is_file():
        return None
    packed = path.with_name(f"{path.name}.gz")
    return PageFile(path, content_type, packed if packed.is_file() else None)


def page_headers(tiles: str) -> dict[str, str]:
    """Return the headers of the page: what it may load, and that nothing may frame it.

    ``tiles`` is the address of raster tiles, whose host alone may be asked; empty: none.
    """
    host = ""
    if tiles:
        parts = urlsplit(tiles)
        host = f" {parts.scheme}://{parts.netloc}"
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "worker-src": "'self'",
        "style-src": "'self'",
        "img-src": f"'self' data: blob:{host}",
        "connect-src": f"'self'{host}",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Referrer-Policy": "no-referrer" if not tiles else "strict-origin-when-cross-origin",
        "X-Content-Type-Options": "nosniff",
    }
