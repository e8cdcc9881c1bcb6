"""The city as processes use it: kept in memory, read again when it was loaded anew."""

from __future__ import annotations

import asyncio
import difflib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from cst_city.models import Category, CitySpec
from cst_city.policies import SlaPolicy
from cst_city.store import CATEGORIES, CITIES, POLICIES, ZONES
from cst_contracts.enums import PriorityName
from cst_core.errors import ConfigError, InvalidInput
from cst_geo import Zone, ZoneIndex
from cst_mongo.client import Database, Document
from cst_rules import Pause, due_at, select_policy

#: The fields ``sla_policy`` and ``due_at`` of a request.
Promise = dict[str, Any]

#: Seconds after which the stored city is asked whether it has changed.
FRESH_S = 5.0


@dataclass(frozen=True)
class Catalog:
    """One city's reference data, immutable."""

    fingerprint: str
    city: CitySpec
    categories: Mapping[str, Category]
    policies: tuple[SlaPolicy, ...]
    policies_version: int
    zone_names: Mapping[str, str]
    zones: ZoneIndex

    def promise(
        self,
        category: str,
        zone_id: str,
        priority: PriorityName,
        created_at: datetime,
        pauses: Sequence[Pause] = (),
    ) -> Promise:
        """Return ``sla_policy`` and ``due_at`` of a request; both None where nothing is promised.

        The clock runs from ``created_at``, without the ``pauses``.
        """
        policy = select_policy(self.policies, category, zone_id, priority, created_at)
        if policy is None:
            return {"sla_policy": None, "due_at": None}
        terms = policy.terms(self.city.calendar_terms, self.policies_version, priority)
        return {"sla_policy": terms, "due_at": due_at(terms, created_at, pauses)}

    def category(self, code: str) -> Category:
        """Return a category.

        Raises:
            InvalidInput: no such category; the error names close ones, else all.
        """
        found = self.categories.get(code)
        if found is None:
            close = difflib.get_close_matches(code, self.categories, n=3, cutoff=0.6)
            raise InvalidInput.field(
                "category", "is not a category of this city", code, close or list(self.categories)
            )
        return found


@lru_cache(maxsize=2)
def _indexed(zones: bytes) -> ZoneIndex:
    """Return the index of zones given as JSON: [zones, snap_m, boundary].

    It takes as long as all the rest of a city, which changes more often than its zones.
    """
    rows, snap_m, boundary = orjson.loads(zones)
    found = [Zone(row["zone_id"], row["name"], row["geometry"]) for row in rows]
    return ZoneIndex(found, snap_m=snap_m, boundary=boundary)


class CatalogCache:
    """Hands out the current catalog; asks the database at most every ``FRESH_S`` seconds."""

    def __init__(self, db: Database, city: str) -> None:
        self._db = db
        self._city = city
        self._catalog: Catalog | None = None
        self._checked = 0.0
        # Reading a city takes a moment: who comes meanwhile waits instead of reading it, too.
        self._reading = asyncio.Lock()

    async def get(self) -> Catalog:
        """Return the catalog.

        Raises:
            ConfigError: the city is not in the database; the text says how to load it.
        """
        if self._catalog is None or self._is_old():
            async with self._reading:
                if self._catalog is None or self._is_old():
                    self._catalog = await self._fresh(self._catalog)
                    self._checked = time.monotonic()
        return self._catalog

    def _is_old(self) -> bool:
        return time.monotonic() - self._checked > FRESH_S

    async def _fresh(self, known: Catalog | None) -> Catalog:
        row = await self._db[CITIES.name].find_one({"_id": self._city})
        if row is None:
            raise ConfigError(
                f"CST_CITY={self._city!r} is not in the database: run `cst city load`"
            )
        if known is None or known.fingerprint != row["fingerprint"]:
            return await self._read(row)
        return known

    async def _read(self, row: Document) -> Catalog:
        spec = CitySpec.model_validate(row["spec"])
        zones = [
            Zone(zone["_id"], zone["name"], zone["geometry"])
            async for zone in self._db[ZONES.name].find()
        ]
        categories = await self._rows(CATEGORIES.name)
        policies = await self._rows(POLICIES.name)
        return Catalog(
            fingerprint=row["fingerprint"],
            city=spec,
            categories={item["code"]: Category.model_validate(item) for item in categories},
            policies=tuple(SlaPolicy.model_validate(item) for item in policies),
            policies_version=row["policies_version"],
            zone_names={zone.zone_id: zone.name for zone in zones},
            zones=_indexed(orjson.dumps([zones, spec.zone_snap_m, row["boundary"]])),
        )

    async def _rows(self, collection: str) -> list[Document]:
        cursor = self._db[collection].find({}, {"_id": 0}).sort("order", 1)
        return [{k: v for k, v in row.items() if k != "order"} async for row in cursor]
