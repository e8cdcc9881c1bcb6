"""The API of a file with workflow's consumers carried along; no notices at the start of a test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from inbox_kit import Receiver, Staff

from cst_testkit.apps import Api
from cst_testkit.pump import Pump


@pytest.fixture
async def staff(api: Api) -> AsyncIterator[Staff]:
    """Staff over an empty inbox; every history must hold in the end."""
    for name in ("notices", "webhook_deliveries"):
        await api.core.db[name].delete_many({})
    staff = Staff(api, Pump(api.core, ["workflow"]))
    yield staff
    await staff.assert_every_history_holds()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver of webhooks, on a port of its own."""
    async with Receiver().listening() as listening:
        yield listening
