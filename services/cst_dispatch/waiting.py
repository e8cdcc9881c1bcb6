"""The queue as staff see it, page by page."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Any

import orjson

from cst_city.catalog import Catalog
from cst_core.errors import InvalidInput
from cst_dispatch.queue import Queue
from cst_ledger.events import Document
from cst_process.core import Core

Rank = tuple[str, datetime, str]


class WaitingList:
    """Reads the queue."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._queue = Queue(core.db)

    async def page(
        self, wanted: dict[str, Any], cursor: str | None, limit: int
    ) -> tuple[list[Document], str | None]:
        """Return a page of rows, and the cursor of the next one (None on the last).

        Raises:
            InvalidInput: an unknown zone, category or skill, or a cursor that is not ours.
        """
        _check(wanted, await self._core.catalog.get())
        after = None if cursor is None else read_rank(cursor)
        found = await self._queue.page(wanted, after, limit + 1)
        page = found[:limit]
        return page, write_rank(page[-1]) if len(found) > limit else None


def _check(wanted: dict[str, Any], catalog: Catalog) -> None:
    skills = {skill for category in catalog.categories.values() for skill in category.skills}
    known = {"zone_id": set(catalog.zone_names), "category": set(catalog.categories)}
    for name, allowed in {**known, "skills": skills}.items():
        if name in wanted and wanted[name] not in allowed:
            field = "skill" if name == "skills" else name
            raise InvalidInput.field(
                field, "is not known in this city", wanted[name], sorted(allowed)
            )


def write_rank(row: Document) -> str:
    """Return the cursor of a page that ends with ``row``."""
    rank = [row["priority"], row["created_at"].isoformat(), row["_id"]]
    return base64.urlsafe_b64encode(orjson.dumps(rank)).decode().rstrip("=")


def read_rank(cursor: str) -> Rank:
    """Return the rank that ``write_rank`` was given; ``InvalidInput`` where it is none of ours."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        priority, at, key = orjson.loads(base64.urlsafe_b64decode(padded))
        if all(isinstance(part, str) for part in (priority, at, key)):
            return priority, datetime.fromisoformat(at).astimezone(UTC), key
    except (ValueError, TypeError, OverflowError, binascii.Error):
        pass
    raise InvalidInput.field("cursor", "is not a cursor of this API", cursor[:100])
