"""A desk for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cst_testkit.apps import Api
from cst_testkit.desk import Desk


@pytest.fixture
async def desk(api: Api) -> AsyncIterator[Desk]:
    """Staff; every history must hold in the end."""
    desk = Desk(api)
    yield desk
    await desk.assert_every_history_holds()
