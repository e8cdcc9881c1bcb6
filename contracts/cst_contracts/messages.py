"""The messages whose body is one model, whatever happened; ``events.EVENTS`` are the others."""

from __future__ import annotations

from dataclasses import dataclass

from cst_contracts.base import Wire
from cst_contracts.public import PublicRequestEvent
from cst_contracts.states import AgentState, GeoFeedState, RequestState
from cst_contracts.topics import AGENT_STATE, GEO_FEEDS, REQUEST_PUBLIC, REQUEST_STATE, Topic


@dataclass(frozen=True, slots=True)
class MessageSpec:
    """A message: its name, the model of its whole body, and the topic it is on."""

    name: str
    body: type[Wire]
    topic: Topic
    version: int = 1

    @property
    def dataschema(self) -> str:
        """Identifier of the schema, its ``$id``."""
        return f"urn:cst:schema:{self.name}.v{self.version}"

    @property
    def file(self) -> str:
        """Name of the files of its schema and its examples, below ``contracts/``."""
        return f"{self.name}.v{self.version}.json"


REQUEST_STATE_MESSAGE = MessageSpec("cst.request.state", RequestState, REQUEST_STATE)
AGENT_STATE_MESSAGE = MessageSpec("cst.agent.state", AgentState, AGENT_STATE)
GEO_FEED_MESSAGE = MessageSpec("cst.geo.feed", GeoFeedState, GEO_FEEDS)
PUBLIC_MESSAGE = MessageSpec("cst.public.request", PublicRequestEvent, REQUEST_PUBLIC)

MESSAGES: tuple[MessageSpec, ...] = (
    REQUEST_STATE_MESSAGE,
    AGENT_STATE_MESSAGE,
    GEO_FEED_MESSAGE,
    PUBLIC_MESSAGE,
)
