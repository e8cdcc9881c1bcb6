"""Assignment by hand: staff choose, and are told what speaks against it."""

from __future__ import annotations

from bson import ObjectId

from cst_contracts.dispatch import AssignCommand
from cst_core.errors import Conflict, InvalidInput, StaleVersion
from cst_dispatch.choosing import Chooser
from cst_dispatch.domain.candidates import HELD_BEFORE, Job, Ranking, objections
from cst_dispatch.domain.decisions import (
    MANUAL,
    assigned,
    holders,
    is_to_assign,
    why_not,
)
from cst_dispatch.queue import Queue
from cst_dispatch.reassignment import Reassignment
from cst_dispatch.repository import WORK, DispatchRepository
from cst_http.tokens import Caller
from cst_ledger.events import By, Document
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_roster.roster import Roster, capacity_event


class ManualAssignment:
    """Gives a request to whom staff have chosen."""

    def __init__(self, core: Core, chooser: Chooser) -> None:
        self._core = core
        self._ledger = core.ledger("dispatch")
        self._repository = DispatchRepository(core.db)
        self._chooser = chooser
        self._queue = Queue(core.db)
        self._roster = Roster(core.db)
        self._reassignment = Reassignment(core, chooser)

    async def assign(self, request_id: str, command: AssignCommand, caller: Caller) -> Document:
        """Assign a triaged request, or pass on what somebody has; return the request afterwards.

        Raises:
            NotFound: no such request.
            StaleVersion: it is not the version that was expected.
            InvalidInput: no such agent.
            Conflict: it is not to be given to anybody; or the agent has it, is not active, has no
                room, or does not fit and ``override_reason`` is missing.
        """

        async def once(session: Session) -> Document:
            document = await self._ledger.load(request_id, session)
            _check(document, command)
            agent = await self._repository.agent(ObjectId(command.agent_id), session)
            if agent is None:
                raise InvalidInput.field("agent_id", "is not an agent", command.agent_id)
            job = await self._chooser.job(document)
            against = self._against(document, agent, job)
            _check_override(document, agent, against, command)
            by = By(caller.actor_type, caller.actor_id)
            await self._give(document, agent, job, against, command, by, session)
            return await self._ledger.load(request_id, session)

        return await transact(self._core.db, once)

    def _against(self, document: Document, agent: Document, job: Job) -> list[str]:
        """What speaks against it; nothing where it is a team, which takes what it is given."""
        if agent["kind"] == "team":
            return []
        before = [HELD_BEFORE] if agent["_id"] in holders(document) else []
        return [*objections(agent, job, self._core.clock.now()), *before]

    async def _give(
        self,
        document: Document,
        agent: Document,
        job: Job,
        against: list[str],
        command: AssignCommand,
        by: By,
        session: Session,
    ) -> None:
        ranking = Ranking([agent], {}, place=job.place)
        reason = command.override_reason
        if document["status"] == "triaged":
            now = self._core.clock.now()
            if await self._roster.reserve(agent["_id"], now, session, job.place) is None:
                raise _no_room(agent)
            step = assigned(
                document, agent, ranking, by, now, policy=MANUAL, overridden=against, reason=reason
            )
            events = [capacity_event("agent_reserved", agent, by), step]
            await self._ledger.append(document, events, session)
            await self._queue.leave(document["request_id"], session)
        elif not await self._reassignment.hand_over(
            document, agent, ranking, by, session, MANUAL, "manual", against, reason
        ):
            raise _no_room(agent)


def _check(document: Document, command: AssignCommand) -> None:
    version = document["version"]
    if command.expected_version not in (None, version):
        raise StaleVersion(
            f"{document['request_id']} is at version {version}, not {command.expected_version}",
            current_version=version,
        )
    has_work = document["status"] in WORK and document["duplicates"]["is_master"]
    if not is_to_assign(document) and not (has_work and not document["historic"]):
        raise Conflict(
            f"{document['request_id']} {why_not(document)}", current_state=document["status"]
        )
    if document["assignment"]["assigned_agent_id"] == ObjectId(command.agent_id):
        raise Conflict(f"{document['request_id']} is theirs already", agent_id=command.agent_id)


def _check_override(
    document: Document, agent: Document, against: list[str], command: AssignCommand
) -> None:
    if not agent["active"]:
        raise Conflict(f"agent {agent['agent_code']} is not active", agent_id=command.agent_id)
    if against and command.override_reason is None:
        raise Conflict(
            f"{agent['agent_code']} does not fit {document['request_id']}: {', '.join(against)}; "
            "with an override_reason it is theirs all the same",
            agent_id=command.agent_id,
            objections=against,
        )


def _no_room(agent: Document) -> Conflict:
    return Conflict(
        f"agent {agent['agent_code']} is full: {agent['open_assignments']} open, "
        f"capacity {agent['capacity']}",
        agent_code=agent["agent_code"],
    )
