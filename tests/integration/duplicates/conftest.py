"""The API with its events carried to the workers, for the tests of duplicates."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from duplicates_kit import Desk

from cst_testkit.apps import running_api
from cst_testkit.pump import Pump


@pytest.fixture(scope="module")
async def desk(mongo_uri: str) -> AsyncIterator[Desk]:
    """An API over a fresh New York, with the workflow's consumers at hand."""
    async with running_api(mongo_uri) as api:
        yield Desk(api, Pump(api.core, ["workflow"]))
