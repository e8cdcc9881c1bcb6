"""New York in a database of its own for each test, in this process and for commands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from import_kit import Command, Import

from cst_core.settings import Settings, load_settings
from cst_process.core import Core, open_core
from cst_stack import Endpoints
from cst_testkit.cities import load_new_york
from cst_testkit.databases import fresh_database


@pytest.fixture
async def core(mongo_uri: str) -> AsyncIterator[Core]:
    """The core over a fresh New York."""
    async with fresh_database(mongo_uri) as db:
        await load_new_york(db)
        settings = load_settings(Settings, _env_file=None, mongo_uri=mongo_uri, mongo_db=db.name)
        async with open_core(settings, "test") as opened:
            yield opened


@pytest.fixture
def imports(core: Core) -> Import:
    """An import in this process."""
    return Import(core)


@pytest.fixture
def command(core: Core, stack: Endpoints, tmp_path: Path) -> Command:
    """Commands over the same database."""
    environ = {
        "MONGO_URI": stack.mongo_uri,
        "MONGO_DB": core.db.name,
        "KAFKA_BOOTSTRAP_SERVERS": stack.kafka_bootstrap_servers,
        "CST_KAFKA_IDEMPOTENT": "0" if stack.broker == "tansu" else "1",
        "CST_CITY": "new-york",
        "CST_HOME": str(tmp_path),
    }
    return Command(environ, tmp_path)
