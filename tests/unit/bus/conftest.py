"""A consumer named after its test, so that tests share a database without meeting."""

from __future__ import annotations

import pytest

from cst_bus import processor
from cst_mongo.client import Database
from cst_testkit.consumers import Consumer


@pytest.fixture
def consumer(
    db: Database, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Consumer:
    """A consumer that does not wait between its attempts."""
    monkeypatch.setattr(processor, "ATTEMPT_WAITS", (0, 0, 0))
    monkeypatch.setattr(processor, "MAX_BACKOFF_S", 0)
    return Consumer(db, request.node.name)
