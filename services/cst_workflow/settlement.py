"""Disputes settled by a supervisor: the work goes on, or stays done."""

from __future__ import annotations

from bson import ObjectId

from cst_contracts.triage import DisputeSettlement
from cst_core.clock import to_ms
from cst_core.errors import Conflict
from cst_http.tokens import Caller
from cst_inbox import Inbox
from cst_ledger.events import By, Document, NewEvent
from cst_ledger.ledger import check_version
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_workflow.notices import taken_note
from cst_workflow.reopening import Reopening
from cst_workflow.successors import Successors

#: ``kind`` of the notices that ask for a settlement.
KIND = "dispute"


class SettlementService:
    """Settles disputes."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ledger = core.ledger("workflow")
        self._inbox = Inbox(core.db)
        self._reopening = Reopening(core)
        self._successors = Successors(core)

    async def settle(self, request_id: str, command: DisputeSettlement, caller: Caller) -> Document:
        """Uphold a dispute, or refuse it; return the request afterwards.

        Upheld, the request is reopened where its rules can, else a successor takes the matter up.
        Who settles has taken note: open notices of the dispute are acknowledged with it.

        Raises:
            NotFound, StaleVersion: as the ledger.
            InvalidInput: the agent to take it up is none.
            Conflict: nobody disputes it, or nobody has room to take it up.
        """
        by = By(caller.actor_type, caller.actor_id)

        async def once(session: Session) -> Document:
            document = await self._ledger.load(request_id, session)
            check_version(document, command.expected_version)
            if document["dispute"] is None:
                raise Conflict(f"nobody disputes {request_id}")
            now = to_ms(self._core.clock.now())
            seen = await taken_note(self._inbox, request_id, KIND, by, now, session)
            settled = [_settled(command, by), *seen]
            if command.outcome == "refused":
                return await self._ledger.append(document, settled, session)
            return await self._uphold(document, command, settled, by, session)

        return await transact(self._core.db, once)

    async def _uphold(
        self,
        document: Document,
        command: DisputeSettlement,
        settled: list[NewEvent],
        by: By,
        session: Session,
    ) -> Document:
        rules = self._ledger.rules.of(document)
        if document["status"] == "resolved" and rules.has_edge("resolved", "in_progress"):
            agent = command.assigned_agent_id
            events = await self._reopening.events(
                document,
                by,
                command.reason,
                session,
                agent_id=None if agent is None else ObjectId(agent),
            )
            return await self._ledger.append(document, [*settled, *events], session)
        after = await self._ledger.append(document, settled, session)
        await self._successors.succeed(after, by, command.reason, session)
        return await self._ledger.load(document["request_id"], session)


def _settled(command: DisputeSettlement, by: By) -> NewEvent:
    return NewEvent(
        "dispute_settled",
        by,
        changes={"dispute": None},
        meta={"outcome": command.outcome},
        message=command.reason,
    )
