"""Assignment by rule: the best agent who has room, reserved with the step; or waiting for one."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bson import ObjectId

from cst_contracts.dispatch import AssignmentDecision, Exclusion
from cst_contracts.events import CandidateScore
from cst_core.errors import Conflict
from cst_dispatch.choosing import Chooser
from cst_dispatch.domain.candidates import OUTRANKED, Ranking
from cst_dispatch.domain.decisions import (
    DISPATCH,
    KEPT,
    Decision,
    assigned,
    deferred,
    holders,
    is_to_assign,
    reason_of,
    waits_for_room,
    why_not,
)
from cst_dispatch.queue import Queue, job_of
from cst_inbox import Inbox, Notice
from cst_ledger.events import By, Document
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_roster.roster import Roster, capacity_event

#: A request that waits is looked at after this time at the latest.
LONGEST_WAIT = timedelta(hours=1)
#: How many of those that come before a request are looked at for an agent.
RIVALS = 20
#: How many of those that were left out a dry run names.
NAMED = 500


def next_try(next_start: datetime | None, now: datetime) -> datetime:
    """Return when a request that nobody can take now is looked at next."""
    latest = now + LONGEST_WAIT
    return latest if next_start is None else min(next_start, latest)


@dataclass
class Attempt:
    """What is to be regarded over the repetitions of one assignment.

    Attributes:
        by: who asks for it.
        prefer: who is to be asked first, as a plan for many requests says.
        asked: who was asked in repetitions before: somebody else has them by now.
    """

    by: By = DISPATCH
    prefer: ObjectId | None = None
    asked: set[ObjectId] = field(default_factory=set)

    def order(self, ranked: Sequence[Document]) -> list[Document]:
        """Return agents in the order in which they are asked.

        After a conflict those who were not asked yet come first, in any order: all who lost the
        same agent would else ask the same next one, and conflict again.
        """
        if not self.asked:
            return sorted(ranked, key=lambda agent: bool(agent["_id"] != self.prefer))
        again = random.sample(ranked, len(ranked))
        return sorted(again, key=lambda agent: agent["_id"] in self.asked)


class DispatchService:
    """Assigns triaged requests to agents."""

    def __init__(self, core: Core, chooser: Chooser | None = None) -> None:
        self._core = core
        self._ledger = core.ledger("dispatch")
        self._chooser = chooser or Chooser(core)
        self._queue = Queue(core.db)
        self._roster = Roster(core.db)
        self._inbox = Inbox(core.db)

    async def follow(self, documents: Sequence[Document], session: Session) -> None:
        """Put requests into the queue, to be looked at now, or take them out, as they stand."""
        waiting = [
            (document, (await self._chooser.job(document)).skills)
            for document in documents
            if is_to_assign(document)
        ]
        others = [doc["request_id"] for doc in documents if not is_to_assign(doc)]
        await self._queue.follow(waiting, others, self._core.clock.now(), session)

    async def assign(self, request_id: str, session: Session, attempt: Attempt) -> Decision | None:
        """Reserve the best agent and assign, or defer; None when the request is not to assign.

        Within ``session``: the reservation, the step and the queue change together or not at all.
        """
        document = await self._ledger.load(request_id, session)
        if not is_to_assign(document):
            await self._queue.leave(request_id, session)
            return None
        ranking = await self._rank(document, session, attempt)
        for agent in attempt.order(ranking.ranked):
            attempt.asked.add(agent["_id"])
            if await self._give(document, agent, ranking, attempt.by, session):
                return Decision(ranking, agent, None)
        next_try_at = await self._defer(document, ranking, attempt.by, session)
        return Decision(ranking, None, next_try_at)

    async def _rank(self, document: Document, session: Session, attempt: Attempt) -> Ranking:
        """Rank who fits, without those whom something that waits and comes first could have.

        What a plan has chosen for many is not bound to their age, only to their priority.
        """
        ranking = await self._chooser.rank(document, session, holders(document))
        fifo = attempt.prefer is None
        if not ranking.ranked or not await self._queue.has_before(
            document, session, same_priority=fifo
        ):
            return ranking
        free = [
            agent
            for agent in ranking.ranked
            if not await self._is_wanted(agent, document, session, same_priority=fifo)
        ]
        if len(free) == len(ranking.ranked):
            return ranking
        excluded = ranking.excluded | {OUTRANKED: len(ranking.ranked) - len(free)}
        return replace(ranking, ranked=free, excluded=dict(sorted(excluded.items())))

    async def _is_wanted(
        self, agent: Document, document: Document, session: Session, *, same_priority: bool
    ) -> bool:
        """Tell whether something waits that comes first and that ``agent`` could take."""
        staff, now = await self._chooser.staff(session), self._core.clock.now()
        before = await self._queue.before(
            document, agent, RIVALS, session, same_priority=same_priority
        )
        return any(staff.could_take(agent["_id"], job_of(row), now) for row in before)

    async def _give(
        self, document: Document, agent: Document, ranking: Ranking, by: By, session: Session
    ) -> bool:
        now = self._core.clock.now()
        if await self._roster.reserve(agent["_id"], now, session, ranking.place) is None:
            return False
        events = [
            capacity_event("agent_reserved", agent, by),
            assigned(document, agent, ranking, by, now),
        ]
        await self._ledger.append(document, events, session)
        await self._queue.leave(document["request_id"], session)
        return True

    async def _defer(
        self, document: Document, ranking: Ranking, by: By, session: Session
    ) -> datetime:
        """Let a request wait; said once, and again where it has become a P1.

        What is not in the queue yet is looked at once more at once, where somebody lacks nothing
        but room: who gets room at the same time does not find it there.
        """
        now, request_id = self._core.clock.now(), document["request_id"]
        row = await self._queue.find(request_id, session)
        next_try_at = next_try(ranking.next_start, now)
        before = row["deferred_as"] if row else None
        first = before is None or (document["priority"] == "P1" and before != "P1")
        if first:
            document = await self._ledger.append(
                document, [deferred(ranking.excluded, next_try_at, by)], session
            )
            await self._alert(document, ranking, now, session)
        told = {
            "tried_at": now,
            "next_try_at": now if row is None and waits_for_room(ranking.excluded) else next_try_at,
            "deferred_as": document["priority"],
            "reason": reason_of(ranking.excluded),
            "excluded": ranking.excluded,
        }
        job = await self._chooser.job(document)
        await self._queue.defer(document, job.skills, told, session)
        return next_try_at

    async def _alert(
        self, document: Document, ranking: Ranking, now: datetime, session: Session
    ) -> None:
        """Have somebody told that a P1 waits."""
        if document["priority"] != "P1":
            return
        reason = f"P1 waits for an agent: {reason_of(ranking.excluded)}"
        notice = Notice(
            document["request_id"], "waiting", "dispatcher", reason, document["ledger"]["seq"]
        )
        await self._inbox.post(notice, document, now, session)

    async def assign_on_demand(
        self, request_id: str, by: By, *, dry_run: bool = False
    ) -> AssignmentDecision:
        """Assign now, for staff; or (``dry_run``) only say who would get it and why.

        Raises:
            NotFound: no such request.
            Conflict: it is not waiting for an assignment.
        """
        attempt = Attempt(by)

        async def once(session: Session) -> AssignmentDecision | None:
            if dry_run:
                return await self._preview(request_id, attempt, session)
            decision = await self.assign(request_id, session, attempt)
            return None if decision is None else _answer(request_id, decision, [], dry_run=False)

        answer = await transact(self._core.db, once)
        if answer is None:
            document = await self._ledger.load(request_id)
            raise Conflict(f"{request_id} {why_not(document)}", current_state=document["status"])
        return answer

    async def _preview(
        self, request_id: str, attempt: Attempt, session: Session
    ) -> AssignmentDecision | None:
        document = await self._ledger.load(request_id, session)
        if not is_to_assign(document):
            return None
        ranking = await self._rank(document, session, attempt)
        left_out = await self._chooser.exclusions(document, session, holders(document))
        named = [
            Exclusion(agent_id=str(agent["_id"]), agent_code=agent["agent_code"], reason=reason)
            for agent, reason in left_out[:NAMED]
        ]
        now = self._core.clock.now()
        best = ranking.ranked[0] if ranking.ranked else None
        next_try_at = next_try(ranking.next_start, now)
        decision = Decision(ranking, best, None if best else next_try_at)
        return _answer(request_id, decision, named, dry_run=True)


def _answer(
    request_id: str, decision: Decision, left_out: list[Exclusion], *, dry_run: bool
) -> AssignmentDecision:
    agent = decision.agent
    scores: list[dict[str, Any]] = decision.ranking.scores()[:KEPT]
    return AssignmentDecision(
        request_id=request_id,
        outcome="assigned" if agent else "deferred",
        agent_id=str(agent["_id"]) if agent else None,
        agent_code=agent["agent_code"] if agent else None,
        candidates=[
            CandidateScore.model_validate({**s, "agent_id": str(s["agent_id"])}) for s in scores
        ],
        excluded=decision.ranking.excluded,
        next_try_at=decision.next_try_at,
        dry_run=dry_run,
        left_out=left_out,
    )
