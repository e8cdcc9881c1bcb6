"""Rows by request id whose request does not exist; the ledger never removes one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from cst_mongo.client import Collection


async def without_request(
    rows: Collection, requests: Collection, count: int
) -> AsyncIterator[list[str]]:
    """Yield the ids of such rows, looking at ``count`` rows at a time."""
    wanted: dict[str, Any] = {}
    while True:
        cursor = rows.find(wanted, {"_id": 1}).sort("_id", 1).limit(count)
        ids = [row["_id"] async for row in cursor]
        if not ids:
            return
        known = requests.find({"request_id": {"$in": ids}}, {"_id": 0, "request_id": 1})
        with_request = {row["request_id"] async for row in known}
        yield [key for key in ids if key not in with_request]
        wanted = {"_id": {"$gt": ids[-1]}}
