"""A small valid city to break, and the shared data where it is present."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]

Edit = Callable[[str, str, str], None]


@pytest.fixture(scope="session")
def cities() -> Path:
    """The folder of the cities that come with the repository."""
    return REPOSITORY / "infra" / "cities"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the small city."""
    return Path(shutil.copytree(Path(__file__).parent / "springfield", tmp_path / "springfield"))


@pytest.fixture
def edit(folder: Path) -> Edit:
    """Replaces one piece of text in one of the city's files."""

    def replace(file: str, old: str, new: str) -> None:
        path = folder / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) >= 1, f"{old!r} is not in {file}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace


@pytest.fixture(scope="session")
def boston_data() -> Path:
    """Folder of Boston's requests and polygons."""
    shared = Path(os.environ.get("CST_SHARED", REPOSITORY.parent / "shared"))
    if not (shared / "data" / "boston_neighborhoods.geojson").exists():
        pytest.skip(f"no shared data in {shared}; set CST_SHARED to its folder")
    return shared / "data"
