"""Detection: is a new report, or one that was moved, of something that was reported before?

The outcome does not depend on the order in which events come. Before a report is linked to an older
one, that one goes through detection itself, in the same transaction; and guards of the place make
two transactions that look around there conflict, so that one looks again. A report whose create
was committed after younger ones had been looked at takes them over, as it would have had them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cst_bus.marks import CollectionMarks
from cst_city.catalog import Catalog
from cst_city.models import Category
from cst_core.clock import to_ms
from cst_ledger.events import Document, NewEvent
from cst_ledger.ledger import Ledger
from cst_mongo.client import Session
from cst_process.core import Core
from cst_workflow.domain.duplicates import Report, fits, guard_cells, is_open
from cst_workflow.domain.following import DUPLICATES
from cst_workflow.duplicates.linking import Link, Linking
from cst_workflow.duplicates.repository import DuplicateRepository

#: The consumer that detects; its marks tell which requests have been looked at.
CONSUMER = "workflow.triage"
#: Where no crew is at work yet, a report may still become a duplicate of an older one by rule.
_TAKEN_OVER = frozenset({"new", "triaged", "assigned"})


@dataclass
class _Batch:
    """What is known while requests are looked at in one transaction.

    Attributes:
        known: requests as they stand in the session, with their guards touched.
        seen: those that have been settled.
    """

    known: dict[str, Document] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def forget(self, near: Sequence[Document]) -> None:
        """Let go of what may be written while a request is settled: its neighbours and theirs."""
        for row in near:
            for request_id in (row["request_id"], *row["duplicates"]["linked_duplicates"]):
                self.known.pop(request_id, None)


class Detection:
    """Links or suggests duplicates by the mode of their category."""

    def __init__(self, core: Core, ledger: Ledger, repository: DuplicateRepository) -> None:
        self._core = core
        self._ledger = ledger
        self._repository = repository
        self._linking = Linking(core, ledger, repository)
        self._marks = CollectionMarks(core.db, CONSUMER)

    async def detect_all(self, request_ids: Sequence[str], session: Session) -> None:
        """Look for what each of some requests is a duplicate of, one after the other.

        What all of them need is read and touched together first.
        """
        if not request_ids:
            return
        catalog = await self._core.catalog.get()
        batch = _Batch(await self._ledger.load_many(request_ids, session))
        guards = {guard for row in batch.known.values() for guard in _guards(row, catalog)}
        await self._repository.touch(guards, session)
        for request_id in request_ids:
            if request_id not in batch.seen:
                await self.detect(request_id, session, batch)

    async def detect(self, request_id: str, session: Session, batch: _Batch | None = None) -> None:
        """Look for what a request is a duplicate of, older unseen ones first."""
        batch = batch or _Batch()
        catalog = await self._core.catalog.get()
        waiting = [request_id]
        while waiting:
            document = batch.known.pop(waiting[-1], None)
            if document is None:
                document = await self._ledger.load(waiting[-1], session)
                await self._repository.touch(_guards(document, catalog), session)
            unseen = await self._look(document, catalog, batch, session)
            if unseen is None:
                batch.seen.add(waiting.pop())
            else:
                waiting.append(unseen)

    async def moved(self, request_id: str, session: Session) -> None:
        """Look again after a request's place or category was corrected."""
        await self._repository.void([request_id], session, as_master=True)
        await self.detect(request_id, session)

    async def _look(
        self, document: Document, catalog: Catalog, batch: _Batch, session: Session
    ) -> str | None:
        """Settle a request; or return an older one that has to be looked at before it."""
        category = _category_to_detect(document, catalog)
        if category is None:
            return None
        report = Report.of(document)
        near = await self._near(report, category, catalog, session)
        batch.forget(near)
        older = [row for row in near if fits(Report.of(row), report, category)]
        if category.duplicates == "suggest" or document["workflow"]["hold"] is not None:
            await self._suggest_among(document, report, older[:1], near, category, session)
            return None
        if not older:
            await self._take_over(document, report, near, category, session)
            return None
        first = older[0]["request_id"]
        if first not in batch.seen and not await self._was_seen(first, session):
            return str(first)
        master = await self._ledger.load(first, session)
        link = Link("auto", DUPLICATES, round(report.distance_m(Report.of(master)), 1))
        await self._linking.link(document, master, link, session)
        return None

    async def _near(
        self, report: Report, category: Category, catalog: Catalog, session: Session
    ) -> list[Document]:
        """Return the open masters around, oldest first, without what staff told apart from it."""
        rows = await self._repository.around(report, category.code, category, session)
        if not rows:
            return []
        refused = await self._repository.refused(report.request_id, session)
        kept = [
            row for row in rows if row["request_id"] not in refused and _has_place(row, catalog)
        ]
        return sorted(kept, key=lambda row: Report.of(row).order)

    async def _was_seen(self, request_id: str, session: Session) -> bool:
        mark = (await self._marks.load([request_id], session)).get(request_id)
        return mark is not None and (mark.seq >= 0 or mark.parked is not None)

    async def _was_looked_at(self, row: Document, session: Session) -> bool:
        """Tell whether a master will not look any more: it has, or it has duplicates.

        It may have got these before its own event came, as the oldest for one of them.
        """
        if row["duplicates"]["linked_duplicates"]:
            return True
        return await self._was_seen(row["request_id"], session)

    async def _take_over(
        self,
        document: Document,
        report: Report,
        near: Sequence[Document],
        category: Category,
        session: Session,
    ) -> None:
        """Become the master of younger ones that were looked at before this one was there."""
        for row in near:
            if not fits(report, Report.of(row), category):
                continue
            if not await self._was_looked_at(row, session):
                continue
            younger = await self._ledger.load(row["request_id"], session)
            distance = round(report.distance_m(Report.of(younger)), 1)
            if await self._may_be_taken_over(younger, report, category, session):
                link = Link("auto", DUPLICATES, distance)
                _, document = await self._linking.link(younger, document, link, session)
            else:
                await self._suggest(younger, report.request_id, distance, session)

    async def _may_be_taken_over(
        self, younger: Document, report: Report, category: Category, session: Session
    ) -> bool:
        """Tell whether it, and all that is linked to it, may have this report for master."""
        if younger["status"] not in _TAKEN_OVER or younger["workflow"]["hold"] is not None:
            return False
        followers = younger["duplicates"]["linked_duplicates"]
        refused = await self._repository.refused(report.request_id, session)
        if not refused.isdisjoint(followers):
            return False
        for request_id in followers:
            follower = await self._ledger.load(request_id, session)
            if not fits(report, Report.of(follower), category):
                return False
        return True

    async def _suggest_among(
        self,
        document: Document,
        report: Report,
        older: Sequence[Document],
        near: Sequence[Document],
        category: Category,
        session: Session,
    ) -> None:
        """Suggest the oldest; and this one to younger ones that were looked at before it came."""
        for row in older:
            distance = round(report.distance_m(Report.of(row)), 1)
            await self._suggest(document, row["request_id"], distance, session)
        if older:
            return
        for row in near:
            other = Report.of(row)
            if fits(report, other, category) and await self._was_looked_at(row, session):
                younger = await self._ledger.load(other.request_id, session)
                distance = round(report.distance_m(other), 1)
                await self._suggest(younger, report.request_id, distance, session)

    async def _suggest(
        self, document: Document, master_id: str, distance_m: float, session: Session
    ) -> None:
        fields = {
            "category": document["category"],
            "distance_m": distance_m,
            "suggested_at": to_ms(self._core.clock.now()),
        }
        if await self._repository.suggest(document["request_id"], master_id, fields, session):
            meta = {"master_request_id": master_id, "distance_m": distance_m}
            event = NewEvent("duplicate_suggested", DUPLICATES, meta=meta)
            await self._ledger.append(document, [event], session)


def _category_to_detect(document: Document, catalog: Catalog) -> Category | None:
    """Return the category of a request that may be a duplicate of another; None where it can't."""
    category = catalog.categories.get(document["category"])
    if category is None or category.duplicates == "off" or not _is_to_detect(document, catalog):
        return None
    return category


def _guards(document: Document, catalog: Catalog) -> list[str]:
    """Return the guards of the place around a request, where it is to be detected."""
    category = _category_to_detect(document, catalog)
    if category is None:
        return []
    cells = guard_cells(Report.of(document).leaves(category), category)
    return [f"{category.code}:{cell}" for cell in cells]


def _is_to_detect(document: Document, catalog: Catalog) -> bool:
    """Staff decided already of what succeeds another; a master that has duplicates stays one."""
    linked = document["duplicates"]
    return (
        is_open(document)
        and not document["historic"]
        and document["successor_of"] is None
        and bool(linked["is_master"])
        and not linked["linked_duplicates"]
        and _has_place(document, catalog)
    )


def _has_place(document: Document, catalog: Catalog) -> bool:
    location = document["location"]
    point = tuple(location["coordinates"])
    return bool(location["located"]) and point not in catalog.city.unknown_points
