"""Boston's requests of 2015, imported once for all tests of this folder."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from boston_csv import REPOSITORY, BostonFile, read_boston
from boston_run import CLOCK, SECRET, BostonRun, running_boston

from app.registry import APIS
from cst_core.settings import Settings, load_settings
from cst_http.app import create_app
from cst_process.core import open_core
from cst_stack import Endpoints


@pytest.fixture(scope="session")
def boston_file() -> BostonFile:
    """The rows as independent code reads them; skips where the data is not there."""
    shared = Path(os.environ.get("CST_SHARED", REPOSITORY.parent / "shared"))
    folder = shared / "data"
    if not (folder / "boston311_2015.csv.gz").exists():
        pytest.skip(f"no Boston data in {folder}; set CST_SHARED to the folder that has it")
    return read_boston(folder)


@pytest.fixture(scope="session")
async def boston(
    boston_file: BostonFile, stack: Endpoints, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[BostonRun]:
    """The file imported and followed to its end by relay, SLA and geo-analytics."""
    home = tmp_path_factory.mktemp("boston")
    async with running_boston(boston_file, stack, home) as run:
        yield run


@pytest.fixture(scope="session")
async def staff(boston: BostonRun, stack: Endpoints) -> AsyncIterator[httpx.AsyncClient]:
    """A supervisor's client of the API over the imported requests."""
    settings = load_settings(
        Settings,
        _env_file=None,
        mongo_uri=stack.mongo_uri,
        mongo_db=boston.db.name,
        city="boston",
        clock=CLOCK,
        auth_secret=SECRET,
    )
    app = create_app("test", list(APIS.values()), lambda: open_core(settings, "test"))
    async with app.router.lifespan_context(app):
        token = app.state.tokens.issue("tester", ["supervisor"], ttl=timedelta(hours=1))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://cst.test",
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
        ) as client:
            yield client
