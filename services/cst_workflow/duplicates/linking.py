"""Linking a report to its master: both sides, their agents, and what they had of duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cst_core.clock import to_ms
from cst_ledger.events import By, Document, NewEvent
from cst_ledger.ledger import Ledger
from cst_mongo.client import Session
from cst_process.core import Core
from cst_roster.roster import Roster, capacity_event
from cst_workflow.domain.steps import holder_of
from cst_workflow.duplicates.following import Following
from cst_workflow.duplicates.repository import DuplicateRepository


@dataclass(frozen=True, slots=True)
class Link:
    """Why two requests are linked, and by whom; ``reason`` is text of staff."""

    how: Literal["auto", "suggestion", "manual"]
    by: By
    distance_m: float | None = None
    reason: str | None = None


class Linking:
    """Makes duplicates of masters, and keeps groups flat."""

    def __init__(self, core: Core, ledger: Ledger, repository: DuplicateRepository) -> None:
        self._core = core
        self._ledger = ledger
        self._repository = repository
        self._roster = Roster(core.db)
        self._following = Following(core, ledger)

    async def link(
        self, duplicate: Document, master: Document, link: Link, session: Session
    ) -> tuple[Document, Document]:
        """Link a master (and what is linked to it) to another one.

        Both were read in ``session``. The duplicates get to where their master is at once, as far
        as their rules allow.

        Returns:
            (duplicate, master) afterwards.
        """
        before = await self._duplicates_of(duplicate, session)
        released = await self._released(duplicate, link.by, session)
        linked = _as_duplicate(master["request_id"], link, to_ms(self._core.clock.now()))
        duplicate = await self._ledger.append(duplicate, [*released, linked], session)
        moved = [duplicate]
        for follower in before:
            flattened = _flattened(master["request_id"], link.by)
            moved.append(await self._ledger.append(follower, [flattened], session))
        events = [_as_master(master, position, row, link) for position, row in enumerate(moved)]
        master = await self._ledger.append(master, events, session)
        await self._repository.void([duplicate["request_id"]], session, as_master=False)
        moved = [await self._following.follow(each, master, session) for each in moved]
        return moved[0], master

    async def _duplicates_of(self, document: Document, session: Session) -> list[Document]:
        ids: Sequence[str] = document["duplicates"]["linked_duplicates"]
        return [await self._ledger.load(request_id, session) for request_id in ids]

    async def _released(self, document: Document, by: By, session: Session) -> list[NewEvent]:
        """A duplicate's work is its master's, so it takes no agent's capacity."""
        holder = holder_of(document)
        agent = await self._roster.release(holder, session) if holder is not None else None
        return [capacity_event("agent_released", agent, by)] if agent else []


def _as_duplicate(master_id: str, link: Link, at: Any) -> NewEvent:
    state = {
        "is_master": False,
        "master_request_id": master_id,
        "linked_duplicates": [],
        "linked_at": at,
    }
    return NewEvent(
        "duplicate_linked",
        link.by,
        changes={"duplicates": state},
        meta={
            "role": "duplicate",
            "other_request_id": master_id,
            "how": link.how,
            "distance_m": link.distance_m,
        },
        message=link.reason,
    )


def _flattened(master_id: str, by: By) -> NewEvent:
    return NewEvent(
        "duplicate_linked",
        by,
        changes={"duplicates.master_request_id": master_id},
        meta={"role": "duplicate", "other_request_id": master_id, "how": "flattened"},
    )


def _as_master(master: Document, position: int, duplicate: Document, link: Link) -> NewEvent:
    """The list grows by its next element, so that an event's size does not follow the group's."""
    end = len(master["duplicates"]["linked_duplicates"]) + position
    first = position == 0
    return NewEvent(
        "duplicate_linked",
        link.by,
        changes={f"duplicates.linked_duplicates.{end}": duplicate["request_id"]},
        meta={
            "role": "master",
            "other_request_id": duplicate["request_id"],
            "how": link.how if first else "flattened",
            "distance_m": link.distance_m if first else None,
        },
        message=link.reason if first else None,
    )
