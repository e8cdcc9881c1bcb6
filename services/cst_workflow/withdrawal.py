"""Withdrawal by the reporter: at once while nobody is at work, else a dispatcher decides."""

from __future__ import annotations

from dataclasses import dataclass

from cst_contracts.triage import WithdrawCommand
from cst_core.errors import (
    Forbidden,
    InvalidInput,
    MissingFields,
    NotFound,
    TransitionRefused,
)
from cst_http.follow import FollowLinks
from cst_http.tokens import Caller
from cst_inbox import Inbox, Notice
from cst_ledger.events import By, Document, NewEvent
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_roster.roster import Roster
from cst_workflow.domain.withdrawal import (
    KIND,
    ROLE,
    asked,
    check_withdrawable,
    closed,
    must_ask,
    walked,
)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The request afterwards; ``asked`` when a dispatcher decides."""

    document: Document
    asked: bool


class WithdrawalService:
    """Lets reporters take back what they reported."""

    def __init__(self, core: Core, links: FollowLinks) -> None:
        self._core = core
        self._links = links
        self._ledger = core.ledger("workflow")
        self._inbox = Inbox(core.db)
        self._roster = Roster(core.db)

    async def withdraw(
        self, request_id: str, command: WithdrawCommand, caller: Caller, follow: str | None
    ) -> Withdrawn:
        """End a request that its reporter no longer wants, or ask a dispatcher to.

        Raises:
            NotFound: there is none for the caller.
            Forbidden: somebody else reported it.
            Conflict: it is dangerous, or its work is over.
        """

        async def once(session: Session) -> Withdrawn:
            document = await self._ledger.load(request_id, session)
            self._check_reporter(document, caller, follow)
            check_withdrawable(document)
            by = By(caller.actor_type, caller.actor_id)
            events = None if must_ask(document) else await self._ended(document, by, command)
            if events is None:
                return await self._ask(document, by, command.reason, session)
            return Withdrawn(await self._ledger.append(document, events, session), asked=False)

        async def ask(session: Session) -> Withdrawn:
            document = await self._ledger.load(request_id, session)
            by = By(caller.actor_type, caller.actor_id)
            return await self._ask(document, by, command.reason, session)

        try:
            return await transact(self._core.db, once)
        except (TransitionRefused, MissingFields, InvalidInput):
            # Rules of the city's own that want more than a reporter has to say.
            return await transact(self._core.db, ask)

    def _check_reporter(self, document: Document, caller: Caller, follow: str | None) -> None:
        if self._links.is_reporter(document, caller, follow):
            return
        request_id = document["request_id"]
        if document["public"] != "exact" and not caller.is_staff:
            raise NotFound(f"no request {request_id}", request_id=request_id)
        raise Forbidden(f"only who reported {request_id} withdraws it")

    async def _ended(
        self, document: Document, by: By, command: WithdrawCommand
    ) -> list[NewEvent] | None:
        """Return the steps that end it, None where there is nobody to walk them with."""
        rules = self._ledger.rules.of(document)
        if rules.has_edge(document["status"], "closed"):
            return [closed(by, command.reason)]
        category = (await self._core.catalog.get()).categories.get(document["category"])
        team = None if category is None else await self._roster.team(category.department)
        return None if team is None else walked(document, team, by, command.reason)

    async def _ask(
        self, document: Document, by: By, reason: str | None, session: Session
    ) -> Withdrawn:
        """Ask a dispatcher, once as long as nobody has taken note."""
        request_id = document["request_id"]
        if not await self._inbox.open_of(request_id, KIND, session):
            seq = document["ledger"]["seq"] + 1
            what = f"its reporter withdraws it; it is {document['status']}"
            notice = Notice(request_id, KIND, ROLE, what, seq)
            await self._inbox.post(notice, document, self._core.clock.now(), session)
            document = await self._ledger.append(document, [asked(by, reason)], session)
        return Withdrawn(document, asked=True)
