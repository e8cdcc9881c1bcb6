"""Composition root of the relay."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

from cst_core.errors import ConfigError
from cst_core.logging import configure_logging
from cst_core.settings import load_settings
from cst_mongo.client import Database, open_database
from cst_process.ops import serving
from cst_relay.broker_watch import BrokerWatch
from cst_relay.feed import Feed
from cst_relay.feeds import all_feeds
from cst_relay.health import health_app
from cst_relay.metrics import Instruments, RelayMetrics
from cst_relay.relay import Relay
from cst_relay.settings import RelaySettings
from cst_relay.tasks import together


class Relays:
    """The relays of every feed in one process, each with a lease and a checkpoint of its own.

    Raises:
        ConfigError: a setting is missing, or two do not go together.
    """

    def __init__(self, settings: RelaySettings) -> None:
        _require(MONGO_URI=settings.mongo_uri, KAFKA_BOOTSTRAP_SERVERS=settings.kafka)
        if settings.exactly_once and not settings.kafka_idempotent:
            raise ConfigError(
                "CST_RELAY_EXACTLY_ONCE=1 needs a broker with transactions; the embedded one has "
                "none, Apache Kafka has (CST_BROKER=kafka)"
            )
        self._settings = settings
        self._feeds = _chosen(settings)
        self._instruments = Instruments()
        self._metrics = [RelayMetrics(feed.name, self._instruments) for feed in self._feeds]
        self.broker = BrokerWatch(settings.kafka, settings.broker_check_s)

    def reports(self) -> list[dict[str, Any]]:
        """Return what each feed has to tell of itself."""
        return [metrics.report() for metrics in self._metrics]

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until ``stop`` is set; may share its event loop with other workers.

        Raises:
            ConfigError: trying again cannot help; one line says why.
        """
        settings = self._settings
        app = health_app(self._metrics, self._instruments.registry, settings.unhealthy_after_s)
        async with (
            open_database(settings.mongo_uri, settings.mongo_db, app="relay") as db,
            serving(app, settings.host, settings.port, setting="CST_RELAY_PORT"),
        ):
            await self._run_all(db, stop)

    async def _run_all(self, db: Database, stop: asyncio.Event) -> None:
        relays = [
            Relay(self._settings, feed, db, metrics, self.broker)
            for feed, metrics in zip(self._feeds, self._metrics, strict=True)
        ]
        work = {relay.name: relay.run(stop) for relay in relays}
        async with together(broker=self.broker.run()), together(**work) as tasks:
            await asyncio.gather(*tasks.values())


async def run_relay(settings: RelaySettings, stop: asyncio.Event) -> None:
    """Run the relays of a process until ``stop`` is set (see ``Relays``)."""
    await Relays(settings).run(stop)


def _chosen(settings: RelaySettings) -> list[Feed]:
    known = {feed.name: feed for feed in all_feeds(settings.city)}
    names = [name.strip() for name in settings.feeds.split(",") if name.strip()] or list(known)
    for name in names:
        if name not in known:
            raise ConfigError(f"CST_RELAY_FEEDS={name}: not a feed; allowed: {', '.join(known)}")
    return [known[name] for name in names]


def _require(**values: str) -> None:
    for name, value in values.items():
        if not value:
            raise ConfigError(f"{name} is not set; `cst run relay` starts what is missing")


async def _run_until_signal(settings: RelaySettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run_relay(settings, stop)


def main() -> None:
    """Run the relay as a process of its own, until SIGTERM or SIGINT."""
    try:
        settings = load_settings(RelaySettings)
        configure_logging("relay", log_format=settings.log_format, level=settings.log_level)
        asyncio.run(_run_until_signal(settings))
    except ConfigError as error:
        sys.exit(f"relay: {error}")


if __name__ == "__main__":
    main()
