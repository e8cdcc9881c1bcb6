"""A desk for each test, or a whole city."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from dispatch_kit import Dispatch

from cst_testkit.apps import Api, running_api
from cst_testkit.desk import Desk


@pytest.fixture
async def desk(api: Api) -> AsyncIterator[Desk]:
    """Staff; every history must hold in the end."""
    desk = Desk(api)
    yield desk
    await desk.assert_every_history_holds()


@pytest.fixture
async def city(mongo_uri: str) -> AsyncIterator[Dispatch]:
    """A city of its own in which nobody works yet, so that nothing else waits or has room."""
    async with running_api(mongo_uri) as api:
        dispatch = Dispatch(Desk(api))
        await dispatch.only()
        yield dispatch
        await dispatch.desk.assert_every_history_holds()
