"""Ratings: what a citizen says of the work on their request, once, and what they dispute."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cst_contracts.ratings import RatingCommand, RatingReceipt
from cst_core.errors import Forbidden, Unauthenticated
from cst_http.follow import FollowLinks
from cst_http.tokens import Caller
from cst_intake.access import Access
from cst_intake.citizen_store import CitizenStore
from cst_intake.domain.ratings import check_disputable, check_ratable, disputed, feedback_of, rated
from cst_ledger.events import By, Document
from cst_ledger.ledger import LOGS
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core


class RatingService:
    """Takes ratings."""

    def __init__(self, core: Core, links: FollowLinks) -> None:
        self._core = core
        self._access = Access(links)
        self._ledger = core.ledger("intake")
        self._citizens = CitizenStore(core.db)
        self._logs = core.db[LOGS.name]

    async def rate(
        self, request_id: str, command: RatingCommand, caller: Caller, follow: str | None
    ) -> RatingReceipt:
        """Rate a request in its citizen's name; with ``dispute_flag`` they also contradict.

        A duplicate is rated by its own citizen, and its dispute goes to its master, which has the
        work.

        Raises:
            NotFound: there is no such request for the caller.
            Unauthenticated, Forbidden: the caller is not its citizen.
            Conflict: it is not done, was rated before, or can no longer be disputed.
        """
        days = (await self._core.catalog.get()).city.dispute_days

        async def once(session: Session) -> RatingReceipt:
            document = await self._ledger.load(request_id, session)
            by = self._citizen(document, caller, follow)
            now = self._core.clock.now()
            check_ratable(document, await self._feedback(document, session))
            if command.dispute_flag:
                check_disputable(document, days, now)
            opened = await self._write(document, command, by, now, session)
            return _receipt(request_id, command, now, disputed=opened)

        return await transact(self._core.db, once)

    def _citizen(self, document: Document, caller: Caller, follow: str | None) -> By:
        self._access.check_sees(document, caller, follow)
        if self._access.is_reporter(document, caller, follow):
            citizen = document["citizen_ref"]["citizen_id"]
            return By("citizen", "anonymous" if citizen is None else str(citizen))
        if caller.subject is None:
            raise Unauthenticated("a request is rated with its reporter's link or token")
        raise Forbidden("a request is rated by its reporter only")

    async def _feedback(self, document: Document, session: Session) -> dict[str, Any] | None:
        first = {"request_id": document["_id"], "bucket": 0}
        log = await self._logs.find_one(first, {"citizen_feedback": 1}, session=session)
        return None if log is None else log["citizen_feedback"]

    async def _write(
        self, document: Document, command: RatingCommand, by: By, now: datetime, session: Session
    ) -> bool:
        """Write a rating within ``session``; return whether it has opened a dispute."""
        events, master = [rated(command, by, now)], document
        elsewhere = document["duplicates"]["master_request_id"]
        if command.dispute_flag and elsewhere is not None:
            master = await self._ledger.load(elsewhere, session)
        contradiction = disputed(master, command, by, now) if command.dispute_flag else []
        if master is document:
            events += contradiction
        else:
            await self._ledger.append(master, contradiction, session)
        await self._ledger.append(document, events, session)
        # Not `last_seq`: that would tell the relay of new events.
        await self._logs.update_one(
            {"request_id": document["_id"], "bucket": 0},
            {"$set": {"citizen_feedback": feedback_of(command, now)}},
            session=session,
        )
        citizen = document["citizen_ref"]["citizen_id"]
        if citizen is not None:
            await self._citizens.count_rating(citizen, command.rating, session)
        return bool(contradiction)


def _receipt(
    request_id: str, command: RatingCommand, at: datetime, *, disputed: bool
) -> RatingReceipt:
    return RatingReceipt(
        request_id=request_id,
        rating=command.rating,
        reason_codes=command.reason_codes,
        dispute_flag=command.dispute_flag,
        disputed=disputed,
        submitted_at=at,
    )
