"""Dispatch's subscriptions: requests as they come and change, and agents as they do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from bson import ObjectId

from cst_bus.marks import CollectionMarks, Mark
from cst_contracts.events import Escalated, RequestEvent
from cst_dispatch.acceptance import Acceptance
from cst_dispatch.choosing import Chooser
from cst_dispatch.domain.decisions import DISPATCH
from cst_dispatch.domain.shifts import works
from cst_dispatch.handover import Handover
from cst_dispatch.queue import Queue
from cst_dispatch.reassignment import Reassignment
from cst_dispatch.repository import DispatchRepository
from cst_dispatch.service import DispatchService
from cst_ledger.events import Document
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_rules.actions import ASSIGN_SUPERVISOR, REASSIGN

#: Requests in one transaction.
CHUNK = 20
#: How many more waiting requests than there is room for are looked at when somebody has room: a
#: plan chooses among them.
SPARE = 50


class AssignHandler:
    """Keeps the queue and the clocks of acceptance in line with requests.

    What an escalation asks for, by staff or by a step of a policy, is passed on.
    """

    name = "dispatch.assign"
    types = frozenset(
        {
            "triaged",
            "assigned",
            "reassigned",
            "in_progress",
            "resolved",
            "closed",
            "held",
            "resumed",
            "duplicate_linked",
            "duplicate_unlinked",
            "category_changed",
            "priority_changed",
            "location_changed",
            "escalated",
        }
    )

    def __init__(self, core: Core, chooser: Chooser) -> None:
        self._ledger = core.ledger("dispatch")
        self._service = DispatchService(core, chooser)
        self._acceptance = Acceptance(core, chooser)
        self._reassignment = Reassignment(core, chooser)

    async def handle(self, events: Sequence[RequestEvent], session: Session) -> None:
        for event in events:
            if event.name == "escalated":
                await self._pass_on(event, session)
        # Of several events of a request the last one counts: what matters is how it stands.
        found = await self._ledger.load_many((event.subject for event in events), session)
        documents = list(found.values())
        await self._service.follow(documents, session)
        await self._acceptance.follow(documents, session)

    async def _pass_on(self, event: RequestEvent, session: Session) -> None:
        action = Escalated.model_validate(event.data).action
        if action == REASSIGN:
            await self._reassignment.pass_on(event.subject, DISPATCH, session)
        elif action == ASSIGN_SUPERVISOR:
            await self._reassignment.to_supervisor(event.subject, DISPATCH, session)


class RosterHandler:
    """Looks at what waits for an agent who has room again, or whose part in the roster changed.

    Who does not work for the city any more passes on what they have. The mark of an agent is the
    roster's number that was regarded last.
    """

    name = "dispatch.roster"

    def __init__(self, core: Core, chooser: Chooser) -> None:
        self._core = core
        self._repository = DispatchRepository(core.db)
        self._queue = Queue(core.db)
        self._acceptance = Acceptance(core, chooser)
        self._handover = Handover(core, chooser)
        self._marks = CollectionMarks(core.db, self.name)

    async def changed(self, keys: Sequence[str]) -> None:
        ids = [ObjectId(key) for key in keys if ObjectId.is_valid(key)]
        there: list[Document] = []
        for agent in await self._repository.agents_by_id(ids):
            if agent["active"]:
                there += [agent] if agent["kind"] == "person" else []
            elif agent["open_assignments"]:
                await self._handover.pass_on_all(agent["_id"])
        await self._look(there)

    async def _look(self, agents: Sequence[Document]) -> None:
        """Wake what agents could take: after a change all, after work was done the first ones."""
        numbers = {str(agent["_id"]): agent.get("roster_number", 0) for agent in agents}
        known = await self._marks.load(numbers, None)
        moved = {key: n for key, n in numbers.items() if n > known.get(key, Mark()).seq}
        now = self._core.clock.now()
        for agent in agents:
            room = agent["capacity"] - agent["open_assignments"]
            if str(agent["_id"]) in moved:
                await self._queue.wake(agent, now, None)
            elif room > 0 and works(agent, now, on_call=True):
                await self._queue.wake(agent, now, room + SPARE)
        for some in batched(moved, CHUNK):
            await self._note({key: moved[key] for key in some})

    async def _note(self, numbers: Mapping[str, int]) -> None:
        """Bring the times for beginning in line with the shifts of some agents, and say so."""

        async def once(session: Session) -> None:
            for key in numbers:
                await self._acceptance.follow_agent(ObjectId(key), session)
            await self._marks.save(numbers, session)

        await transact(self._core.db, once)


def batched(keys: Iterable[str], size: int) -> Iterator[list[str]]:
    """Yield ``keys``, ``size`` at a time."""
    rest = iter(keys)
    while some := list(islice(rest, size)):
        yield some
