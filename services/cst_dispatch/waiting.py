"""The queue as staff see it, page by page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cst_city.catalog import Catalog
from cst_contracts.enums import PRIORITIES, UNKNOWN_ZONE
from cst_core.errors import InvalidInput
from cst_core.paging import read_place, write_place
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
    zones = {*catalog.zone_names, UNKNOWN_ZONE}
    known = {"zone_id": zones, "category": set(catalog.categories)}
    for name, allowed in {**known, "skills": skills}.items():
        if name in wanted and wanted[name] not in allowed:
            field = "skill" if name == "skills" else name
            raise InvalidInput.field(
                field, "is not known in this city", wanted[name], sorted(allowed)
            )


def write_rank(row: Document) -> str:
    """Return the cursor of a page that ends with ``row``."""
    return write_place(row["created_at"], f"{row['priority']} {row['_id']}")


def read_rank(cursor: str) -> Rank:
    """Return the rank that ``write_rank`` was given; ``InvalidInput`` where it is none of ours."""
    created_at, key = read_place(cursor)
    priority, _, request_id = key.partition(" ")
    if priority not in PRIORITIES:
        raise InvalidInput.field("cursor", "is not a cursor of this list", cursor[:100])
    return priority, created_at, request_id
