"""The city whose requests the tests of this folder are about."""

from __future__ import annotations

import pytest

from cst_city.catalog import Catalog
from cst_testkit.cities import new_york


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """Return New York, without promises."""
    city = new_york()
    return Catalog(
        fingerprint="",
        city=city.spec,
        categories={category.code: category for category in city.categories},
        policies=(),
        policies_version=1,
        zone_names={zone.zone_id: zone.name for zone in city.zones},
        zones=city.zone_index(),
    )
