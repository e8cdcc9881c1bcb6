"""A home of its own for each test, whose processes are gone afterwards whatever happened."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cst_stack import Home, down
from cst_testkit.leftovers import processes_of


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    place = Home(tmp_path / "home")
    yield place
    down(place)
    left = processes_of(place)
    for process in left:
        process.kill()
    assert not left
