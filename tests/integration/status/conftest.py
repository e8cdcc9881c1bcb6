"""A whole system, each process of its own, whose faults are noticed within seconds."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from status_kit import Whole, whole_system

from cst_stack import Home
from cst_testkit.leftovers import processes_of


@pytest.fixture(scope="module")
async def whole(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Whole]:
    """The system that the tests of one file share, over the broker that the file names."""
    home = Home(tmp_path_factory.mktemp("whole"))
    try:
        async with whole_system(home, getattr(request.module, "BROKER", "tansu")) as system:
            yield system
    finally:
        for process in processes_of(home):
            process.kill()
