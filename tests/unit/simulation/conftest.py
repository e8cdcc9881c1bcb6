"""The simulated citizens and staff of New York."""

from __future__ import annotations

import pytest

from cst_simulation.crews import Crews
from cst_simulation.reports import Citizens
from cst_testkit.cities import new_york

SEED = 311


@pytest.fixture(scope="session")
def citizens() -> Citizens:
    return Citizens(new_york(), SEED, peak_rate=60)


@pytest.fixture(scope="session")
def crews() -> Crews:
    return Crews(new_york(), SEED)
