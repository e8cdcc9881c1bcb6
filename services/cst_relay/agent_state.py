"""The feed of agents: ``service_agents`` to the compacted topic of their states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cst_city.store import AGENTS
from cst_contracts.messages import AGENT_STATE_MESSAGE
from cst_contracts.states import AgentState
from cst_mongo.client import Document
from cst_relay.domain.records import Reading
from cst_relay.domain.state_records import tombstone
from cst_relay.state_feed import WRITES, StateFeed


class AgentStates(StateFeed):
    """Every agent as it stands soon after each change; a deleted one is a tombstone.

    Two changes close together may both show the later state: the last record is the newest.
    """

    name = "agent-state"
    collection = AGENTS.name
    message = AGENT_STATE_MESSAGE
    key = "_id"
    fields = tuple(name for name in AgentState.model_fields if name != "id")
    operations = (*WRITES, "delete")

    def body(self, document: Document) -> Document:
        return {**document, "id": document["_id"]}

    def deleted(self, change: Mapping[str, Any]) -> Reading:
        return Reading([tombstone(self.message, str(change["documentKey"]["_id"]))])
