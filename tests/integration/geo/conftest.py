"""The whole API over a New York without requests, for each test of this folder."""

from __future__ import annotations

import pytest
from geo_kit import emptied

from cst_process.core import Core
from cst_testkit.apps import Api


@pytest.fixture
async def core(api: Api) -> Core:
    """The core of ``api``, without requests."""
    await emptied(api.core)
    return api.core
