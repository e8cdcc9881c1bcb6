"""Databases for tests: fresh, migrated, and dropped at the end."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from app.collections import COLLECTIONS
from cst_ledger.rules_store import store_shipped_rules
from cst_mongo.client import Database, open_database
from cst_mongo.indexes import CollectionSpec, migrate


@asynccontextmanager
async def fresh_database(
    uri: str, specs: Iterable[CollectionSpec] = COLLECTIONS
) -> AsyncIterator[Database]:
    """Open a database of its own with the collections of ``specs`` and the shipped rules."""
    async with open_database(uri, f"test_{uuid.uuid4().hex[:12]}", app="test") as db:
        await migrate(db, specs)
        await store_shipped_rules(db)
        try:
            yield db
        finally:
            await db.client.drop_database(db.name)
