"""Events on their way into the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class By:
    """Who does it: ``citizen``, ``agent``, ``staff`` or ``system``, and an id, no contact data."""

    actor_type: str
    actor_id: str

    def document(self) -> dict[str, str]:
        return {"actor_type": self.actor_type, "actor_id": self.actor_id}


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What happened, before the ledger has numbered and sealed it.

    Attributes:
        type: short name, a key of ``cst_contracts.events.EVENTS``.
        changes: new values by dotted path into ``service_requests``; a changed ``status`` brings
            ``workflow`` and its timestamp along by itself.
        meta: the type's own fields, without text.
        message: free text, if any; ``address_hint`` likewise.
        at: when it happened; now, where not given.
    """

    type: str
    by: By
    changes: Mapping[str, Any] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)
    message: str | None = None
    address_hint: str | None = None
    at: datetime | None = None
