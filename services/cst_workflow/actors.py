"""What an actor did, over all requests."""

from __future__ import annotations

import uuid

from cst_contracts.workflow import ActorEvent, ActorEventPage
from cst_core.errors import InvalidInput
from cst_ledger.views import staff_event
from cst_process.core import Core
from cst_workflow.repository import WorkflowRepository


class ActorHistory:
    """Reads the ledger by who wrote."""

    def __init__(self, core: Core) -> None:
        self._repository = WorkflowRepository(core.db)

    async def page(
        self, actor_type: str, actor_id: str, cursor: str | None, limit: int
    ) -> ActorEventPage:
        """Return a page of an actor's events, newest first; none for an actor who never wrote.

        Raises:
            InvalidInput: the cursor is not one of ours.
        """
        if cursor is not None:
            _check_cursor(cursor)
        found = await self._repository.written_by(actor_type, actor_id, cursor, limit + 1)
        items = [
            ActorEvent.model_validate(staff_event(event) | {"request_id": event["subject"]})
            for event in found[:limit]
        ]
        more = len(found) > limit
        return ActorEventPage(items=items, next_cursor=items[-1].event_id if more else None)


def _check_cursor(cursor: str) -> None:
    """A cursor is the id of the last event on the page before."""
    try:
        if str(uuid.UUID(cursor)) == cursor:
            return
    except ValueError:
        pass
    raise InvalidInput.field("cursor", "is not a cursor of this list", cursor[:100])
