"""Who consumes what, as the workers of ``app.registry`` say it."""

from __future__ import annotations

from dataclasses import dataclass

from app.registry import WORKERS
from cst_bus.processor import Handler
from cst_bus.states import StateHandler
from cst_city.catalog import CatalogCache
from cst_contracts.topics import Topic
from cst_core.clock import Clock
from cst_core.settings import Settings
from cst_ledger.rules import RuleBook
from cst_mongo.client import connect, database
from cst_mongo.counters import BlockCounter
from cst_process.core import Core


@dataclass(frozen=True, slots=True)
class Consumer:
    """A subscription: its service and name (also its group), its topic, the events it wants.

    Of a state topic there are no events to choose from: who watches it gets all.
    """

    service: str
    name: str
    topic: Topic
    types: frozenset[str]


def consumers() -> list[Consumer]:
    """Return every subscription, by name."""
    core = _unconnected_core()
    found = []
    for work in [worker.build(core) for worker in WORKERS.values()]:
        found += [
            Consumer(service_of(sub.handler), sub.handler.name, sub.topic, sub.handler.types)
            for sub in work.subscriptions
        ]
        found += [
            Consumer(service_of(watch.handler), watch.handler.name, watch.topic, frozenset())
            for watch in work.watches
        ]
    return sorted(found, key=lambda consumer: consumer.name)


def service_of(handler: Handler | StateHandler) -> str:
    """Return the service that a handler is part of, e.g. ``workflow``."""
    return type(handler).__module__.split(".")[0].removeprefix("cst_")


def _unconnected_core() -> Core:
    """A core to build workers over; its client would connect at the first query only."""
    settings = Settings.model_construct()
    db = database(connect("mongodb://nowhere.invalid", app="contracts"), settings.mongo_db)
    return Core(
        settings=settings,
        db=db,
        clock=Clock(),
        catalog=CatalogCache(db, settings.city),
        rules=RuleBook.shipped(),
        counter=BlockCounter(db),
    )
