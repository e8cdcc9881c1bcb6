"""A core over New York whose moving data is gone before each test."""

from __future__ import annotations

import pytest

from cst_process.core import Core
from cst_testkit.apps import Api

#: What the city and the migration put there.
_STANDING = {
    "cities",
    "zones",
    "categories",
    "sla_policies",
    "service_agents",
    "workflow_rules",
    "clocks",
}


@pytest.fixture
async def core(api: Api) -> Core:
    """The core of ``api``, without requests, and with every agent free."""
    db = api.core.db
    for name in set(await db.list_collection_names()) - _STANDING:
        await db[name].delete_many({})
    free = {"open_assignments": 0, "last_assigned_at": None}
    await db["service_agents"].update_many({}, {"$set": free})
    return api.core
