"""Moderation: staff keep something from the public, let it see it, or erase it for good."""

from __future__ import annotations

from cst_contracts.moderation import ModerationCommand
from cst_core.errors import Forbidden
from cst_drafts import publicity
from cst_http.tokens import Caller
from cst_intake.citizen_store import CitizenStore
from cst_intake.domain.moderation import Case, Plan, check_command, plan
from cst_intake.domain.publicity import opted_out
from cst_intake.evidence import EvidenceService
from cst_ledger.events import By, Document
from cst_ledger.ledger import LOGS
from cst_ledger.reader import events_of
from cst_ledger.redaction import erase_texts
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core

#: Erasing cannot be undone.
ERASING = frozenset({"supervisor", "admin"})


class ModerationService:
    """Hides, releases and erases."""

    def __init__(self, core: Core, evidence: EvidenceService) -> None:
        self._core = core
        self._evidence = evidence
        self._ledger = core.ledger("intake")
        self._citizens = CitizenStore(core.db)

    async def moderate(
        self, request_id: str, command: ModerationCommand, caller: Caller
    ) -> Document:
        """Do what the command says; return the request afterwards.

        An erased text is gone from the ledger and the request in one transaction, an erased file
        right after it (``cst evidence sweep`` takes what a dead process has left).

        Raises:
            NotFound: there is no such request.
            InvalidInput: the target is unknown, or cannot be treated so.
            Conflict: it is so already.
            Forbidden: only supervisors and admins erase.
        """
        check_command(command)
        if command.action == "redact" and caller.roles.isdisjoint(ERASING):
            raise Forbidden("only supervisors and admins erase for good")

        async def once(session: Session) -> tuple[Document, Plan]:
            document = await self._ledger.load(request_id, session)
            case = Case(
                command,
                document,
                await events_of(self._core.db, document["_id"], session),
                By(caller.actor_type, caller.actor_id),
                await self._publicity(document, session),
            )
            planned = plan(case)
            await self._erase(document, planned, session)
            return await self._ledger.append(document, [planned.event], session), planned

        after, planned = await transact(self._core.db, once)
        if planned.erase_file is not None:
            await self._evidence.remove_file(request_id, planned.erase_file)
        return after

    async def _publicity(self, document: Document, session: Session) -> str:
        citizen_id = document["citizen_ref"]["citizen_id"]
        citizen = None if citizen_id is None else await self._citizens.find(citizen_id, session)
        category = (await self._core.catalog.get()).categories.get(document["category"])
        if category is None:
            return "none"  # the city has given it up, so nobody says that the public may see it
        return publicity(category.public, shared=not opted_out(document, citizen))

    async def _erase(self, document: Document, planned: Plan, session: Session) -> None:
        await erase_texts(self._core.db, document["_id"], planned.erase, session)
        if planned.erase_file is not None:
            await self._evidence.forget_link(planned.erase_file, session)
        if planned.erase_feedback:
            await self._core.db[LOGS.name].update_one(
                {"request_id": document["_id"], "bucket": 0, "citizen_feedback": {"$ne": None}},
                {"$set": {"citizen_feedback.comment": None}},
                session=session,
            )
