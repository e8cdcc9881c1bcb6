"""The units that surges and trends are told of: a category in the city, a zone or a cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import h3

from cst_city.catalog import Catalog
from cst_geo import parent
from cst_geo.cells import center
from cst_geo_analytics.domain.insight_queries import SCOPES, Scope
from cst_geo_analytics.domain.projection import DAY_RESOLUTION, NOWHERE, source_field
from cst_geo_analytics.domain.surge import CREW

#: The field of ``geo_days`` that tells units of a scope apart; the city has none.
FIELDS: dict[Scope, tuple[str, ...]] = {"city": (), "zone": ("zone_id",), "cell": ("cell",)}


class Unit(NamedTuple):
    """``key`` is the zone's or cell's id, None for the city."""

    scope: Scope
    key: str | None
    category: str

    @property
    def order(self) -> tuple[int, str, str]:
        """Sorts units that are alike in everything else."""
        return SCOPES.index(self.scope), self.key or "", self.category

    def fields(self, catalog: Catalog) -> dict[str, Any]:
        """Return the fields of the contract's ``Unit``."""
        return {
            "scope": self.scope,
            "key": self.key,
            "name": catalog.zone_names.get(self.key or "") if self.scope == "zone" else None,
            "center": center(self.key) if self.scope == "cell" and self.key else None,
            "category": self.category,
        }


def unit_of(row: Mapping[str, Any], scope: Scope, resolution: int) -> Unit | None:
    """Return the unit that sums of ``geo_days`` belong to; None where they have no place."""
    if scope == "city":
        return Unit(scope, None, row["category"])
    if scope == "zone":
        return Unit(scope, row["zone_id"], row["category"])
    if row["cell"] == NOWHERE:
        return None
    return Unit(scope, parent(row["cell"], resolution), row["category"])


def placed(
    rows: Iterable[Mapping[str, Any]], scope: Scope, resolution: int
) -> Iterator[tuple[Unit, Mapping[str, Any]]]:
    """Yield rows with the unit that each belongs to."""
    for row in rows:
        unit = unit_of(row, scope, resolution)
        if unit is not None:
            yield unit, row


def filter_of(units: Iterable[Unit], scope: Scope) -> dict[str, Any]:
    """Return the MongoDB filter of what units of a scope are made of, and little else."""
    chosen = list(units)
    wanted: dict[str, Any] = {"category": {"$in": sorted({unit.category for unit in chosen})}}
    keys = sorted({unit.key for unit in chosen if unit.key is not None})
    if scope == "zone":
        wanted["zone_id"] = {"$in": keys}
    elif scope == "cell":
        leaves = [leaf for key in keys for leaf in h3.cell_to_children(key, DAY_RESOLUTION)]
        wanted["cell"] = {"$in": leaves}
    return wanted


def staff_sources(catalog: Catalog) -> dict[str, str]:
    """Return the sources of the city's own people: field names in ``geo_days``, and as they are."""
    return {source_field(name): name for name in (CREW, *catalog.city.staff_sources)}
