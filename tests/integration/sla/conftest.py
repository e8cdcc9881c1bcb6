"""A desk for each test, and promises that a test can change."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sla_kit import Promises

from cst_testkit.apps import Api
from cst_testkit.desk import Desk


@pytest.fixture
async def desk(api: Api) -> AsyncIterator[Desk]:
    """Staff; every history must hold in the end."""
    desk = Desk(api)
    yield desk
    await desk.assert_every_history_holds()


@pytest.fixture
async def promises(desk: Desk) -> AsyncIterator[Promises]:
    """The city's promises, which are New York's own again afterwards."""
    promises = Promises(desk)
    yield promises
    await promises.load({})
