"""A desk for each test, over the API of its file."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cst_testkit.apps import Api
from cst_testkit.desk import Desk


@pytest.fixture
async def desk(api: Api) -> AsyncIterator[Desk]:
    """Staff under the specification's rules; every history must hold in the end."""
    desk = Desk(api)
    await desk.use_rules("v1.0")
    yield desk
    await desk.assert_every_history_holds()


@pytest.fixture
async def easy_desk(desk: Desk) -> Desk:
    """Staff under v1.1, which knows ways back."""
    await desk.use_rules("v1.1")
    return desk
