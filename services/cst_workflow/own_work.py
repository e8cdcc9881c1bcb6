"""Agents act on their own work only."""

from __future__ import annotations

from cst_core.errors import Forbidden
from cst_http.tokens import Caller
from cst_ledger.events import Document
from cst_mongo.client import Session
from cst_roster.roster import Roster
from cst_workflow.domain.steps import holder_of


async def check_own_work(
    roster: Roster, document: Document, caller: Caller, session: Session
) -> None:
    """Raise ``Forbidden`` where an agent acts on work that is not assigned to them.

    An agent's token names their code as its subject.
    """
    if caller.is_staff:
        return
    holder = holder_of(document)
    agent = await roster.find(holder, session) if holder else None
    if agent is None or agent["agent_code"] != caller.subject:
        raise Forbidden(f"{document['request_id']} is not assigned to you")
