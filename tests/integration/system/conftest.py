"""A home of its own for each system, whose processes are gone afterwards whatever happened."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from cst_stack import Home, down
from cst_testkit.leftovers import processes_of
from cst_testkit.systems import RunningSystem, running_app
from cst_testkit.waiting import poll_until


def ended(home: Home) -> None:
    """Stop the stack in ``home``; nothing else may run there, or soon after."""
    down(home)
    try:
        poll_until(lambda: not processes_of(home), what=f"nothing to run in {home.root}")
    finally:
        for process in processes_of(home):
            process.kill()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    place = Home(tmp_path / "home")
    place.prepare()
    yield place
    ended(place)


@pytest.fixture(scope="module")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningSystem]:
    """The app that the tests of one file share, on a Tuesday noon in New York."""
    place = Home(tmp_path_factory.mktemp("system"))
    async with running_app(place) as running:
        yield running
    ended(place)
