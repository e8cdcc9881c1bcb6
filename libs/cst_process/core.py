"""The core of every process: settings, database, clock, city, rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cst_city.catalog import CatalogCache
from cst_core.clock import Clock
from cst_core.settings import Settings
from cst_ledger.ledger import Ledger
from cst_ledger.rules import RuleBook, RuleSet
from cst_ledger.rules_store import load_rules, pinned
from cst_mongo.client import Database, open_database
from cst_mongo.clocks import shared_clock
from cst_mongo.counters import BlockCounter


@dataclass(frozen=True)
class Core:
    """What services are built over."""

    settings: Settings
    db: Database
    clock: Clock
    catalog: CatalogCache
    rules: RuleBook
    counter: BlockCounter

    def ledger(self, service: str) -> Ledger:
        """Return the ledger as ``service`` writes it."""
        return Ledger(self.db, service, self.rules, self.clock)

    async def new_rules(self) -> RuleSet:
        """Return the rules that new requests are bound to, by the city's ``rules_version``.

        Raises:
            ConfigError: they are not in the database.
        """
        city = (await self.catalog.get()).city
        return await pinned(self.rules, self.db, city.rules_version)


@asynccontextmanager
async def open_core(settings: Settings, process: str) -> AsyncIterator[Core]:
    """Open the core and close it at the end.

    Raises:
        ConfigError: the database is not migrated (``cst db migrate``).
    """
    async with open_database(settings.mongo_uri, settings.mongo_db, app=process) as db:
        yield Core(
            settings=settings,
            db=db,
            clock=await shared_clock(db, settings.clock),
            catalog=CatalogCache(db, settings.city),
            rules=await load_rules(db),
            counter=BlockCounter(db),
        )
