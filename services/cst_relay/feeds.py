"""Every feed of the relay."""

from __future__ import annotations

from cst_relay.agent_state import AgentStates
from cst_relay.feed import Feed
from cst_relay.geo_feeds import GeoFeeds
from cst_relay.public_events import PublicEvents
from cst_relay.request_events import RequestEvents
from cst_relay.request_state import RequestStates


def all_feeds(city: str) -> tuple[Feed, ...]:
    """Return the feeds of a city."""
    return (
        RequestEvents(city),
        RequestStates(),
        AgentStates(),
        GeoFeeds(),
        PublicEvents(city),
    )
