"""Work found and done on the spot: one call files the request and takes it to resolved."""

from __future__ import annotations

from dataclasses import dataclass

from bson import ObjectId

from cst_contracts.requests import CreateRequest
from cst_contracts.triage import OnTheSpotCommand
from cst_core.errors import Conflict, Forbidden, InvalidInput
from cst_drafts import Draft, draft_request, next_number
from cst_http.idempotency import IdempotencyKeys, UsedKey
from cst_http.tokens import Caller
from cst_ledger.events import By, Document
from cst_mongo.client import Session
from cst_process.core import Core
from cst_roster.roster import Roster
from cst_workflow.domain.walks import walk_to_resolved

#: ``rule`` and ``assignment_policy`` of such work, and the channel it came by.
ON_THE_SPOT = "on_the_spot"
CHANNEL = "crew"


@dataclass(frozen=True, slots=True)
class Recorded:
    """The request of some work; ``replayed`` when the key had recorded it before."""

    document: Document
    replayed: bool


class FieldWork:
    """Records what crews find and do."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ledger = core.ledger("workflow")
        self._roster = Roster(core.db)
        self._keys = IdempotencyKeys(core.db)

    async def record(self, command: OnTheSpotCommand, caller: Caller, key: str | None) -> Recorded:
        """File the request of work that is done, once per idempotency key, up to ``resolved``.

        Raises:
            InvalidInput: unknown category, agent or resolution code, or outside the service area.
            MissingFields: the rules want more of such work than a note, e.g. a photo.
            IdempotencyMismatch: the key was used with another body.
            Forbidden: the caller is no agent of the city, or names another one.
            Conflict: the agent is not active.
        """
        used = UsedKey.of(caller, key, command)
        if (made := await self._keys.made(used)) is not None:
            return Recorded(await self._ledger.load(made), replayed=True)
        agent = await self._worker(command, caller)
        draft = await self._draft(command, caller)
        city = (await self._core.catalog.get()).city
        request_id = await next_number(self._core.counter, city, self._core.clock.now())
        steps = walk_to_resolved(
            "new",
            agent,
            By(caller.actor_type, caller.actor_id),
            rule=ON_THE_SPOT,
            resolution_code=command.resolution_code,
            note=command.note,
        )

        async def write(session: Session) -> Document:
            document = await self._ledger.create(request_id, draft.event, session)
            return await self._ledger.append(document, steps, session)

        filed = await self._keys.once(used, request_id, write)
        if isinstance(filed, str):
            return Recorded(await self._ledger.load(filed), replayed=True)
        return Recorded(filed, replayed=False)

    async def _draft(self, command: OnTheSpotCommand, caller: Caller) -> Draft:
        rules = await self._core.new_rules()
        apart = {"resolution_code", "note", "assigned_agent_id"}
        create = CreateRequest.model_validate(
            command.model_dump(exclude=apart) | {"channel": CHANNEL}
        )
        return draft_request(
            create,
            catalog=await self._core.catalog.get(),
            rules_version=rules.version,
            first_steps=rules.allowed_next("new"),
            by=By(caller.actor_type, caller.actor_id),
            now=self._core.clock.now(),
        )

    async def _worker(self, command: OnTheSpotCommand, caller: Caller) -> Document:
        """Return who did it: the agent who calls, or the one whom staff name."""
        if caller.is_staff:
            agent = await self._named(command.assigned_agent_id)
        else:
            found = await self._roster.coded(caller.subject or "")
            if found is None:
                raise Forbidden("no agent of the city has the code that your token names")
            if command.assigned_agent_id not in (None, str(found["_id"])):
                raise Forbidden("assigned_agent_id: agents record their own work only")
            agent = found
        if not agent["active"]:
            raise Conflict(
                f"agent {agent['agent_code']} is not active", agent_code=agent["agent_code"]
            )
        return agent

    async def _named(self, agent_id: str | None) -> Document:
        if agent_id is None:
            raise InvalidInput.field("assigned_agent_id", "is required: staff say who did it", None)
        agent = await self._roster.find(ObjectId(agent_id))
        if agent is None:
            raise InvalidInput.field("assigned_agent_id", "is not an agent", agent_id)
        return agent
