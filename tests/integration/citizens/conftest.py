"""Citizens at the API of a test's file."""

from __future__ import annotations

import pytest
from citizens_kit import Registry

from cst_testkit.apps import Api


@pytest.fixture
def registry(api: Api) -> Registry:
    """Registering and signing in at ``api``."""
    return Registry(api)
