"""Composition root of the relay."""

from __future__ import annotations

import asyncio
import signal
import sys

from cst_core.errors import ConfigError
from cst_core.logging import configure_logging
from cst_core.settings import load_settings
from cst_mongo.client import open_database
from cst_relay.health import health_app, serving
from cst_relay.metrics import RelayMetrics
from cst_relay.relay import Relay
from cst_relay.request_events import RequestEvents
from cst_relay.settings import RelaySettings


async def run_relay(settings: RelaySettings, stop: asyncio.Event) -> None:
    """Relay until ``stop`` is set; may share its event loop with other workers.

    Raises:
        ConfigError: trying again cannot help; one line says why.
    """
    _require(MONGO_URI=settings.mongo_uri, KAFKA_BOOTSTRAP_SERVERS=settings.kafka)
    feed = RequestEvents(settings.city)
    metrics = RelayMetrics(feed.name)
    app = health_app(metrics, settings.unhealthy_after_s)
    async with (
        open_database(settings.mongo_uri, settings.mongo_db, app="relay") as db,
        serving(app, settings.host, settings.port),
    ):
        await Relay(settings, feed, db, metrics).run(stop)


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
