"""Bringing up what processes need: embedded stack, collections, the city."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import structlog

from app.registry import WORKERS
from cst_core.errors import ConfigError
from cst_core.settings import Settings
from cst_ledger.rules_store import load_rules, pinned, store_shipped_rules
from cst_mongo.client import Database, open_database
from cst_mongo.clocks import shared_clock
from cst_mongo.indexes import migrate
from cst_process.judgement import Expected
from cst_relay.feeds import all_feeds
from cst_stack import Home, up

log = structlog.get_logger(__name__)

S = TypeVar("S", bound=Settings)

_REPOSITORY_CITIES = Path(__file__).resolve().parents[2] / "infra" / "cities"


def with_stack(settings: S) -> S:
    """Return settings with both addresses, starting the embedded parts that were not given.

    Blocks for some seconds when something has to be started.

    Raises:
        StackError: one line that says what is wrong with the stack.
    """
    if settings.mongo_uri and settings.kafka:
        return settings
    endpoints = up(
        Home(settings.home),
        broker=settings.broker,
        mongo_uri=settings.mongo_uri or None,
        kafka_bootstrap_servers=settings.kafka or None,
        mongo_db=settings.mongo_db,
    )
    found = {
        "mongo_uri": endpoints.mongo_uri,
        "kafka": endpoints.kafka_bootstrap_servers,
        "kafka_idempotent": endpoints.broker != "tansu" and settings.kafka_idempotent,
    }
    return settings.model_copy(update=found)


def city_folder(settings: Settings) -> Path:
    """Return the folder of the city's data."""
    return (settings.cities or _REPOSITORY_CITIES) / settings.city


async def prepare(settings: Settings) -> None:
    """Make the database ready; harmless where it is. The city is loaded if absent.

    Topics are made by those who use them, so that an API starts without a broker.

    Raises:
        ConfigError: the city has no folder, or its data is wrong.
    """
    from cst_city.store import CITIES

    async with open_database(settings.mongo_uri, settings.mongo_db, app="prepare") as db:
        await migrate_database(db)
        if await db[CITIES.name].find_one({"_id": settings.city}) is None:
            await load_city_into(db, settings, city_folder(settings))


def whole_system(settings: Settings) -> Expected:
    """Return what runs where everything does."""
    return Expected(tuple(WORKERS), tuple(feed.name for feed in all_feeds(settings.city)))


async def migrate_database(db: Database) -> list[str]:
    """Create collections, indexes and the shipped rules; return the collections' names."""
    # Imported here: it brings all services' collections, and most commands need none.
    from app.collections import COLLECTIONS

    names = await migrate(db, COLLECTIONS)
    await store_shipped_rules(db)
    return names


async def load_city_into(
    db: Database, settings: Settings, folder: Path, zones: Path | None = None
) -> bool:
    """Load a city's folder; False when the very same city was stored already.

    Raises:
        ConfigError: every mistake in the folder, one line each, that it is another city's, or that
            nobody has stored the rules it names.
    """
    from cst_city.loader import CityError, load_city
    from cst_city.store import store_city

    try:
        city = load_city(folder, zones)
    except CityError as error:
        raise ConfigError(str(error)) from None
    if city.spec.name != settings.city:
        raise ConfigError(f"{folder} is {city.spec.name!r}, but CST_CITY={settings.city!r}")
    await pinned(await load_rules(db), db, city.spec.rules_version)
    return await store_city(db, city, await shared_clock(db, settings.clock))
