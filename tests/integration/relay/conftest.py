"""A city of its own for each test, on the session's stack or on one that may be broken."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from relay_world import World, new_world

from cst_stack import Endpoints, Home
from cst_testkit.stacks import running_stack


@pytest.fixture
async def world(stack: Endpoints) -> AsyncIterator[World]:
    async with new_world(stack) as made:
        yield made


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """State folder of the stack that ``own_stack`` runs."""
    return Home(tmp_path / "home")


@pytest.fixture
def own_stack(home: Home) -> Iterator[Endpoints]:
    """A stack that the test may break; always the embedded one."""
    with running_stack("embedded", home) as endpoints:
        yield endpoints


@pytest.fixture
async def own_world(own_stack: Endpoints) -> AsyncIterator[World]:
    async with new_world(own_stack) as made:
        yield made
