"""Steps along the lifecycle, by staff and by agents."""

from __future__ import annotations

from typing import Any

from bson import ObjectId

from cst_contracts.requests import TransitionCommand
from cst_core.errors import Conflict, Forbidden, InvalidInput
from cst_http.tokens import Caller
from cst_ledger.events import By, Document, NewEvent
from cst_ledger.ledger import check_version
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_roster.roster import Roster, capacity_event
from cst_rules import due_at, select_policy
from cst_workflow.domain.steps import check_fields, holder_of, step_event


class TransitionService:
    """Takes requests along their lifecycle."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ledger = core.ledger("workflow")
        self._roster = Roster(core.db)

    async def transition(
        self, request_id: str, command: TransitionCommand, caller: Caller
    ) -> Document:
        """Take one step; return the request afterwards.

        Raises:
            NotFound, StaleVersion, TransitionRefused, MissingFields, InvalidInput: as the ledger.
            Forbidden: the step is not for the caller's role, or not the agent's own work.
            Conflict: the agent to assign is inactive or full.
        """
        check_fields(command)
        by = By(caller.actor_type, caller.actor_id)

        async def once(session: Session) -> Document:
            document = await self._ledger.load(request_id, session)
            check_version(document, command.expected_version)
            rules = self._ledger.rules.of(document)
            rules.check_role(document["status"], command.to, caller.roles)
            await self._check_own_work(document, caller, session)
            agent = await self._reserve(command, session)
            policy = await self._reselected(document, command)
            events = [step_event(command, by, agent=agent, policy=policy)]
            if agent is not None:
                events.insert(0, capacity_event("agent_reserved", agent, by))
            events += await self._released(document, command, by, session)
            return await self._ledger.append(document, events, session)

        return await transact(self._core.db, once)

    async def _check_own_work(self, document: Document, caller: Caller, session: Session) -> None:
        """Agents act on what is assigned to them; their token's subject is their code."""
        if caller.is_staff:
            return
        holder = holder_of(document)
        agent = await self._roster.find(holder, session) if holder else None
        if agent is None or agent["agent_code"] != caller.subject:
            raise Forbidden(f"{document['request_id']} is not assigned to you")

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

    async def _reselected(self, document: Document, command: TransitionCommand) -> dict[str, Any]:
        """The policy of a new priority; its hours run from the request's creation."""
        if command.priority is None or command.priority == document["priority"]:
            return {}
        catalog, created_at = await self._core.catalog.get(), document["timestamps"]["created_at"]
        zone_id = document["location"]["zone_id"]
        policy = select_policy(
            catalog.policies, document["category"], zone_id, command.priority, created_at
        )
        if policy is None:
            return {"sla_policy": None, "due_at": None}
        return {"sla_policy": policy.terms(), "due_at": due_at(policy, created_at)}

    async def _released(
        self, document: Document, command: TransitionCommand, by: By, session: Session
    ) -> list[NewEvent]:
        """Resolved work gives its agent's capacity back, in the same transaction."""
        holder = holder_of(document)
        if command.to != "resolved" or holder is None:
            return []
        agent = await self._roster.release(holder, session)
        return [capacity_event("agent_released", agent, by)] if agent else []
