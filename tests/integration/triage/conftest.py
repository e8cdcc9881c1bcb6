"""The API with workflow's consumers carried along, for the tests of triage and corrections."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from triage_kit import Office

from cst_testkit.apps import running_api
from cst_testkit.pump import Pump


@pytest.fixture(scope="module")
async def office(mongo_uri: str) -> AsyncIterator[Office]:
    """An API over a fresh New York; nobody is hired, so that what is triaged stays so."""
    async with running_api(mongo_uri) as api:
        yield Office(api, Pump(api.core, ["workflow"]))
