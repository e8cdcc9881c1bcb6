"""New York as rows of a file refer to it, with one point that stands for "unknown"."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cst_city.catalog import Catalog
from cst_intake.domain.imports import Reference
from cst_testkit.cities import new_york

UNKNOWN_POINT = (-73.9, 40.8)


def _catalog() -> Catalog:
    city = new_york()
    spec = city.spec.model_copy(update={"unknown_points": (UNKNOWN_POINT,)})
    return Catalog(
        fingerprint=city.fingerprint,
        city=spec,
        categories={category.code: category for category in city.categories},
        policies=city.policies,
        policies_version=1,
        zone_names={zone.zone_id: zone.name for zone in city.zones},
        zones=city.zone_index(),
    )


@pytest.fixture(scope="session")
def reference() -> Reference:
    return Reference(_catalog())


@pytest.fixture(scope="session")
def reference_without_unknown_points() -> Reference:
    catalog = _catalog()
    return Reference(replace(catalog, city=catalog.city.model_copy(update={"unknown_points": ()})))
