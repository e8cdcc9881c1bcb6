"""Two collections of the same kind against each other, in the order of ``_id``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from cst_ledger.events import Document
from cst_mongo.client import Collection

#: What counts of a document: None where it is as good as none.
Essence = Callable[[Document], dict[str, Any] | None]


async def differing(
    left: Collection, right: Collection, essence: Essence
) -> AsyncIterator[tuple[str, dict[str, Any] | None, dict[str, Any] | None]]:
    """Yield (``_id``, left's essence, right's) where they differ; two cursors, no more memory."""
    ours, theirs = left.find().sort("_id", 1), right.find().sort("_id", 1)
    one, other = await anext(ours, None), await anext(theirs, None)
    while one is not None or other is not None:
        key = min(document["_id"] for document in (one, other) if document is not None)
        mine = essence(one) if one is not None and one["_id"] == key else None
        yours = essence(other) if other is not None and other["_id"] == key else None
        if mine != yours:
            yield key, mine, yours
        if one is not None and one["_id"] == key:
            one = await anext(ours, None)
        if other is not None and other["_id"] == key:
            other = await anext(theirs, None)
