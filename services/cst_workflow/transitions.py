"""Steps along the lifecycle, by staff and by agents, one at a time or many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bson import ObjectId
from pymongo.errors import PyMongoError

from cst_city.catalog import Catalog
from cst_contracts.problems import Problem
from cst_contracts.requests import TransitionCommand
from cst_contracts.workflow import BulkOutcome, BulkStep
from cst_core.errors import Conflict, CstError, InvalidInput, Unavailable
from cst_http.problems import problem_of
from cst_http.tokens import Caller
from cst_ledger.events import By, Document, NewEvent
from cst_ledger.ledger import check_version
from cst_mongo.client import Session
from cst_mongo.transactions import is_transient, transact
from cst_process.core import Core
from cst_roster.roster import Roster, capacity_event
from cst_workflow.domain.corrections import check_priority
from cst_workflow.domain.promises import reselected
from cst_workflow.domain.steps import (
    WORK,
    check_fields,
    check_free,
    check_undisputed,
    holder_of,
    step_event,
)
from cst_workflow.own_work import check_own_work
from cst_workflow.reopening import Reopening

_SUPERVISORS = frozenset({"supervisor", "admin"})


class TransitionService:
    """Takes requests along their lifecycle."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ledger = core.ledger("workflow")
        self._roster = Roster(core.db)
        self._reopening = Reopening(core)

    async def transition(
        self, request_id: str, command: TransitionCommand, caller: Caller
    ) -> Document:
        """Take one step; return the request afterwards.

        Raises:
            NotFound, StaleVersion, TransitionRefused, MissingFields, InvalidInput: as the ledger.
            Forbidden: the step is not for the caller's role, or not the agent's own work.
            Conflict: it is a duplicate, held or disputed, or the agent to assign has no room.
        """
        catalog = await self._core.catalog.get()

        async def once(session: Session) -> Document:
            document = await self._ledger.load(request_id, session)
            check_version(document, command.expected_version)
            check_free(document)
            check_fields(command, document["status"])
            rules = self._ledger.rules.of(document)
            rules.check_role(document["status"], command.to, caller.roles)
            await check_own_work(self._roster, document, caller, session)
            check_undisputed(document, command.to)
            events = await self._events(document, command, catalog, caller, session)
            return await self._ledger.append(document, events, session)

        return await transact(self._core.db, once)

    async def transition_many(self, items: Sequence[BulkStep], caller: Caller) -> list[BulkOutcome]:
        """Take a step with each of many requests; one that is refused does not stop the others.

        Raises:
            InvalidInput: a request is among them twice.
        """
        _check_distinct(items)
        return [await self._outcome(item, caller) for item in items]

    async def _outcome(self, item: BulkStep, caller: Caller) -> BulkOutcome:
        try:
            document = await self.transition(item.request_id, item, caller)
        except CstError as error:
            return _refused(item, error)
        except PyMongoError as error:
            if not is_transient(error):
                raise
            return _refused(item, Unavailable("the database cannot be reached; try again"))
        return BulkOutcome(
            request_id=item.request_id,
            ok=True,
            status=document["status"],
            version=document["version"],
        )

    async def _events(
        self,
        document: Document,
        command: TransitionCommand,
        catalog: Catalog,
        caller: Caller,
        session: Session,
    ) -> list[NewEvent]:
        """Return the step's events, with the capacity that it takes and gives back."""
        by, source = By(caller.actor_type, caller.actor_id), document["status"]
        if (source, command.to) == ("resolved", "in_progress"):
            return await self._reopened(document, command, by, session)
        policy = _promise(document, command, catalog, caller)
        agent = await self._reserve(command, session)
        step = step_event(command, by, source=source, agent=agent, policy=policy)
        taken = [] if agent is None else [capacity_event("agent_reserved", agent, by)]
        keeps = command.to in WORK and agent is None
        given_back = [] if keeps else await self._released(document, by, session)
        return [*taken, step, *given_back]

    async def _reopened(
        self, document: Document, command: TransitionCommand, by: By, session: Session
    ) -> list[NewEvent]:
        """Who reopens what its reporter disputes says that they are right."""
        agent_id = command.assigned_agent_id
        events = await self._reopening.events(
            document,
            by,
            command.note,
            session,
            agent_id=None if agent_id is None else ObjectId(agent_id),
        )
        if document["dispute"] is None:
            return events
        upheld = NewEvent(
            "dispute_settled", by, changes={"dispute": None}, meta={"outcome": "upheld"}
        )
        return [upheld, *events]

    async def _reserve(self, command: TransitionCommand, session: Session) -> Document | None:
        if command.assigned_agent_id is None:
            return None
        agent_id = ObjectId(command.assigned_agent_id)
        agent = await self._roster.reserve(agent_id, self._core.clock.now(), session)
        if agent is not None:
            return agent
        known = await self._roster.find(agent_id, session)
        if known is None:
            raise InvalidInput.field(
                "assigned_agent_id", "is not an agent", command.assigned_agent_id
            )
        why = "is full" if known["active"] else "is not active"
        raise Conflict(
            f"agent {known['agent_code']} {why}: {known['open_assignments']} open, "
            f"capacity {known['capacity']}",
            agent_code=known["agent_code"],
        )

    async def _released(self, document: Document, by: By, session: Session) -> list[NewEvent]:
        """Work that ends, or goes to another, gives its agent's capacity back."""
        holder = holder_of(document)
        agent = await self._roster.release(holder, session) if holder is not None else None
        return [capacity_event("agent_released", agent, by)] if agent else []


def _refused(item: BulkStep, error: CstError) -> BulkOutcome:
    problem = Problem.model_validate(problem_of(error))
    return BulkOutcome(request_id=item.request_id, ok=False, problem=problem)


def _promise(
    document: Document, command: TransitionCommand, catalog: Catalog, caller: Caller
) -> dict[str, Any]:
    """The policy of a new priority; its hours run from the request's creation."""
    if command.priority is None or command.priority == document["priority"]:
        return {}
    supervises = not _SUPERVISORS.isdisjoint(caller.roles)
    check_priority(document, command.priority, supervises=supervises)
    return reselected(document, catalog, priority=command.priority)


def _check_distinct(items: Sequence[BulkStep]) -> None:
    ids = [item.request_id for item in items]
    twice = [
        {
            "field": f"items.{position}.request_id",
            "message": "is in the list twice",
            "value": request_id,
        }
        for position, request_id in enumerate(ids)
        if request_id in ids[:position]
    ]
    if twice:
        raise InvalidInput(f"{len(twice)} request(s) are in the list twice", twice)
