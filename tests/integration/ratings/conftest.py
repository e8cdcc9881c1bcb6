"""The office at the API of a test's file."""

from __future__ import annotations

import pytest
from ratings_kit import Office

from cst_testkit.apps import Api


@pytest.fixture
def office(api: Api) -> Office:
    """Staff and citizens of ``api``."""
    return Office(api)
