"""Corrections by staff and crews: category, priority, place, and a danger's judgement."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from cst_city.catalog import Catalog
from cst_contracts.enums import PriorityName
from cst_contracts.triage import (
    CategoryCorrection,
    DangerDecision,
    LocationCorrection,
    PriorityCorrection,
)
from cst_core.clock import to_ms
from cst_core.errors import InvalidInput
from cst_drafts import located, stand_in, unlocated
from cst_http.tokens import Caller
from cst_inbox import Inbox
from cst_ledger.events import By, Document, NewEvent
from cst_ledger.ledger import check_version
from cst_mongo.client import Database, Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_roster.roster import Roster
from cst_workflow.domain import corrections as rules
from cst_workflow.domain.danger import (
    KIND,
    check_judgeable,
    confirmed,
    danger_notices,
    lowered,
)
from cst_workflow.domain.promises import reselected
from cst_workflow.notices import taken_note
from cst_workflow.own_work import check_own_work

_SUPERVISORS = frozenset({"supervisor", "admin"})
Change = Callable[[Document, Session], Awaitable[Sequence[NewEvent]]]


class CorrectionService:
    """Corrects requests; each correction is an event with its reason."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ledger = core.ledger("workflow")
        self._inbox = Inbox(core.db)
        self._roster = Roster(core.db)

    async def category(
        self, request_id: str, command: CategoryCorrection, caller: Caller
    ) -> Document:
        """Correct what a request is about; return it afterwards.

        The policy is selected anew with the used time kept, and a dangerous category raises to P1.

        Raises:
            NotFound, StaleVersion: as the ledger.
            InvalidInput: the city has no such category.
            Conflict: it is not open, a duplicate, or of that category already.
        """
        catalog, by = await self._core.catalog.get(), By(caller.actor_type, caller.actor_id)
        catalog.category(command.category)

        async def change(document: Document, session: Session) -> Sequence[NewEvent]:
            rules.check_correctable(document, "category")
            shared = await _is_shared(self._core.db, document, session)
            return rules.category_events(document, command, catalog, by, shared=shared)

        return await self._write(request_id, command.expected_version, change)

    async def priority(
        self, request_id: str, command: PriorityCorrection, caller: Caller
    ) -> Document:
        """Correct how urgent a request is; return it afterwards.

        Raises:
            NotFound, StaleVersion: as the ledger.
            Forbidden: it lowers a P1 or lengthens a promise, and the caller is no supervisor.
            Conflict: it is not open, a duplicate, dangerous, or has that priority already.
        """
        catalog, by = await self._core.catalog.get(), By(caller.actor_type, caller.actor_id)
        supervises = not _SUPERVISORS.isdisjoint(caller.roles)

        async def change(document: Document, session: Session) -> Sequence[NewEvent]:
            rules.check_correctable(document, "priority")
            rules.check_priority(document, command.priority, supervises=supervises)
            promise = reselected(document, catalog, priority=command.priority)
            due_at = promise.get("due_at", document["due_at"])
            rules.check_promise(document, due_at, supervises=supervises)
            event = rules.priority_changed(document, command.priority, promise, by, command.reason)
            return [event]

        return await self._write(request_id, command.expected_version, change)

    async def location(
        self, request_id: str, command: LocationCorrection, caller: Caller
    ) -> Document:
        """Correct where it is; return the request afterwards. Crews correct their own work's.

        Raises:
            NotFound, StaleVersion: as the ledger.
            InvalidInput: neither a point nor that it is unknown, or outside the service area.
            Forbidden: an agent's, of work that is not theirs.
            Conflict: it is not open, or a duplicate.
        """
        catalog, by = await self._core.catalog.get(), By(caller.actor_type, caller.actor_id)
        location, hint = _place(command, catalog)

        async def change(document: Document, session: Session) -> Sequence[NewEvent]:
            await check_own_work(self._roster, document, caller, session)
            rules.check_correctable(document, "location")
            return [rules.location_changed(document, location, hint, catalog, by, command.reason)]

        return await self._write(request_id, command.expected_version, change)

    async def danger(self, request_id: str, command: DangerDecision, caller: Caller) -> Document:
        """Confirm a danger, or lower it; return the request afterwards.

        Who judges has taken note: the danger's open notices are acknowledged with it.

        Raises:
            NotFound, StaleVersion: as the ledger.
            InvalidInput: ``priority`` does not fit the decision.
            Conflict: it is not dangerous, judged before, or not open.
        """
        catalog, by = await self._core.catalog.get(), By(caller.actor_type, caller.actor_id)

        async def change(document: Document, session: Session) -> Sequence[NewEvent]:
            check_judgeable(document)
            priority = _lowered_to(document, command, catalog)
            if priority is None:
                events = [confirmed(document, by, command.reason)]
            else:
                promise = reselected(document, catalog, priority=priority)
                events = [lowered(document, priority, promise, by, command.reason)]
            now = to_ms(self._core.clock.now())
            return [*events, *await taken_note(self._inbox, request_id, KIND, by, now, session)]

        return await self._write(request_id, command.expected_version, change)

    async def _write(self, request_id: str, expected: int | None, change: Change) -> Document:
        """Write what ``change`` says, and tell who must know of a danger that it brings."""

        async def once(session: Session) -> Document:
            document = await self._ledger.load(request_id, session)
            check_version(document, expected)
            events = await change(document, session)
            after = await self._ledger.append(document, events, session)
            if any("danger" in event.changes for event in events):
                for notice in danger_notices(after, after["ledger"]["seq"]):
                    await self._inbox.post(notice, after, self._core.clock.now(), session)
            return after

        return await transact(self._core.db, once)


async def _is_shared(db: Database, document: Document, session: Session) -> bool:
    """Tell whether the reporter lets the public see it to the point: by the report, by profile."""
    reporter = document["citizen_ref"]
    if not reporter.get("share_publicly", True):
        return False
    if reporter["citizen_id"] is None:
        return True
    wanted = {
        "_id": reporter["citizen_id"],
        "preferences.privacy.share_publicly_on_map": False,
    }
    return await db["citizens"].find_one(wanted, {"_id": 1}, session=session) is None


def _place(command: LocationCorrection, catalog: Catalog) -> tuple[dict[str, Any], str | None]:
    if command.unknown == (command.location is not None):
        raise InvalidInput.field(
            "location",
            "either a location, or unknown: true",
            None if command.location is None else list(command.location.coordinates),
            ["location", "unknown"],
        )
    if command.location is None:
        return unlocated(stand_in(catalog.city)), command.address_hint
    if command.address_hint is not None:
        raise InvalidInput.field(
            "address_hint",
            "belongs into location where there is one",
            command.address_hint,
            ["location.address_hint"],
        )
    return located(*command.location.coordinates, catalog), command.location.address_hint


def _lowered_to(
    document: Document, command: DangerDecision, catalog: Catalog
) -> PriorityName | None:
    """Return the priority of a lowered danger, None where it is confirmed."""
    if command.decision == "confirm":
        if command.priority is not None:
            raise InvalidInput.field(
                "priority", "goes with lower; a confirmed danger is P1", command.priority, []
            )
        return None
    category = catalog.categories.get(document["category"])
    priority = command.priority or (category.priority if category else None)
    if priority is None or priority == "P1":
        raise InvalidInput.field(
            "priority", "must be below P1, and said here", command.priority, ["P2", "P3", "P4"]
        )
    return priority
