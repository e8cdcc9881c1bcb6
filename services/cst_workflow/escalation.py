"""Escalation by hand: the same actions as those of an SLA policy's steps."""

from __future__ import annotations

from cst_contracts.enums import OPEN_STATUSES
from cst_contracts.triage import EscalateCommand
from cst_core.errors import Conflict
from cst_escalation import escalate
from cst_http.tokens import Caller
from cst_inbox import Inbox
from cst_ledger.events import By, Document
from cst_ledger.ledger import check_version
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core


class EscalationService:
    """Escalates requests."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ledger = core.ledger("workflow")
        self._inbox = Inbox(core.db)

    async def escalate(self, request_id: str, command: EscalateCommand, caller: Caller) -> Document:
        """Do an action with its consequences in one transaction; return the request afterwards.

        Raises:
            NotFound, StaleVersion: as the ledger.
            InvalidInput: the action is unknown; the error names those there are.
            Conflict: the request is not open, or a duplicate, or as urgent as can be.
        """
        by = By(caller.actor_type, caller.actor_id)

        async def once(session: Session) -> Document:
            document = await self._ledger.load(request_id, session)
            check_version(document, command.expected_version)
            escalation = escalate(document, command.action, by, command.reason)
            _check(document, command.action)
            after = await self._ledger.append(document, escalation.events, session)
            for notice in escalation.notices:
                await self._inbox.post(notice, after, self._core.clock.now(), session)
            return after

        return await transact(self._core.db, once)


def _check(document: Document, action: str) -> None:
    request_id, status = document["request_id"], document["status"]
    if status not in OPEN_STATUSES:
        raise Conflict(
            f"{request_id} is {status}; only open requests are escalated", current_state=status
        )
    master = document["duplicates"]["master_request_id"]
    if master is not None:
        raise Conflict(
            f"{request_id} is a duplicate of {master}; escalate that one",
            master_request_id=master,
        )
    if action == "raise_priority" and document["priority"] == "P1":
        raise Conflict(f"{request_id} is P1 already, as urgent as can be", priority="P1")
