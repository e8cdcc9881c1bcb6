"""Disputes: what its rules can reopen goes on by itself, anything else is a supervisor's matter."""

from __future__ import annotations

from cst_contracts.events import RequestEvent
from cst_core.errors import Conflict
from cst_inbox import Inbox, Notice
from cst_ledger.events import By, Document, NewEvent
from cst_mongo.client import Session
from cst_process.core import Core
from cst_workflow.reopening import Reopening

DISPUTES = By("system", "disputes")
#: What the reopening of a disputed request brings along by itself.
_BROUGHT = frozenset({"assigned_agent_id", "note"})


class DisputeService:
    """Says what follows from a dispute."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ledger = core.ledger("workflow")
        self._inbox = Inbox(core.db)
        self._reopening = Reopening(core)

    async def take(self, event: RequestEvent, session: Session) -> None:
        """Reopen the request that a ``disputed`` event tells of, or ask the supervisors to settle.

        What was settled meanwhile is left alone.
        """
        document = await self._ledger.load(event.subject, session)
        if document["dispute"] is None:
            return
        why = "its rules do not reopen it"
        if document["status"] == "closed":
            why = "it is closed"
        elif self._can_reopen(document):
            try:
                await self._reopen(document, session)
            except Conflict:  # raised before anything is written
                why = "nobody has room to take it up again"
            else:
                return
        codes = ", ".join(document["dispute"]["reason_codes"]) or "without a reason code"
        reason = f"its citizen says that the work is not done ({codes}); {why}"
        notice = Notice(document["request_id"], "dispute", "supervisor", reason, event.seq)
        await self._inbox.post(notice, document, self._core.clock.now(), session)

    def _can_reopen(self, document: Document) -> bool:
        rules = self._ledger.rules.of(document)
        if document["status"] != "resolved" or not rules.has_edge("resolved", "in_progress"):
            return False
        edge = rules.edge("resolved", "in_progress")
        wanted = (*edge.required, *edge.required_by_category.get(document["category"], ()))
        return _BROUGHT.issuperset(wanted)

    async def _reopen(self, document: Document, session: Session) -> None:
        reason = "Reopened: its citizen says that the work is not done"
        events = await self._reopening.events(document, DISPUTES, reason, session)
        settled = NewEvent(
            "dispute_settled", DISPUTES, changes={"dispute": None}, meta={"outcome": "upheld"}
        )
        await self._ledger.append(document, [settled, *events], session)
