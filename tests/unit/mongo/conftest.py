"""What tests of numbers, leases and clocks share: a second client, as another process has one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cst_mongo.client import Database, open_database


@pytest.fixture(scope="module")
async def elsewhere(db: Database, mongo_uri: str) -> AsyncIterator[Database]:
    """The same database through another connection."""
    async with open_database(mongo_uri, db.name, app="elsewhere") as other:
        yield other
