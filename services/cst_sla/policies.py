"""The city's promises: their versions, and what they would be and become for open requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cst_city.catalog import Catalog
from cst_city.store import POLICY_VERSIONS
from cst_contracts.sla import PolicySet, PolicyVersion, ReselectCommand, Reselection
from cst_core.errors import InvalidInput, NotFound
from cst_http.tokens import Caller
from cst_ledger.events import By, Document
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_sla.domain.reselection import Tally, policy_changed, reselected
from cst_sla.repository import SlaRepository

#: Requests looked at in one transaction.
BATCH = 50


class PolicyAdmin:
    """Shows versions, and selects anew where an admin asks for it."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ledger = core.ledger("sla")
        self._repository = SlaRepository(core.db)
        self._versions = core.db[POLICY_VERSIONS.name]

    async def current(self) -> list[dict[str, Any]]:
        """Return the policies in force, in their declared order."""
        catalog = await self._core.catalog.get()
        return [policy.model_dump(mode="json") for policy in catalog.policies]

    async def versions(self) -> list[PolicyVersion]:
        """Return every version that was loaded, oldest first."""
        city = (await self._core.catalog.get()).city.name
        count = {"$size": "$promises.policies"}
        fields = {"_id": 0, "version": "$_id", "stored_at": 1, "policies": count}
        cursor = self._versions.find({"city": city}, fields).sort("_id", 1)
        return [PolicyVersion.model_validate(row) async for row in cursor]

    async def version(self, number: int) -> PolicySet:
        """Return one version; ``NotFound`` where there is none."""
        city = (await self._core.catalog.get()).city.name
        row = await self._versions.find_one({"_id": number, "city": city})
        if row is None:
            raise NotFound(f"no version {number} of the policies", version=number)
        return PolicySet(version=number, stored_at=row["stored_at"], **row["promises"])

    async def reselect(self, command: ReselectCommand, caller: Caller) -> Reselection:
        """Select the promises of open requests anew, or say what that would change.

        Batch by batch: ended halfway it leaves the rest as it was, and can be repeated. What other
        systems have promised (imported history) is left alone.

        Raises:
            InvalidInput: there is no such category.
        """
        catalog = await self._core.catalog.get()
        if command.category is not None and command.category not in catalog.categories:
            raise InvalidInput.field(
                "category",
                "is not a category of this city",
                command.category,
                list(catalog.categories),
            )
        by, tally = By(caller.actor_type, caller.actor_id), Tally()
        async for ids in self._repository.open_ids(command.category, command.policy_id, BATCH):
            if command.dry_run:
                await self._look(ids, catalog, tally)
            else:
                await self._move(ids, command, catalog, by, tally)
        return tally.result(catalog.policies_version, dry_run=command.dry_run)

    async def _look(self, ids: Sequence[str], catalog: Catalog, tally: Tally) -> None:
        for document in await self._repository.requests(ids):
            tally.add(document, reselected(document, catalog))

    async def _move(
        self,
        ids: Sequence[str],
        command: ReselectCommand,
        catalog: Catalog,
        by: By,
        tally: Tally,
    ) -> None:
        """Move some requests in a transaction, judged as they stand in it."""

        async def once(session: Session) -> list[tuple[Document, dict[str, Any] | None]]:
            seen = []
            for document in await self._repository.whole(ids, session):
                if not _is_concerned(document, command):
                    continue
                promise = reselected(document, catalog)
                seen.append((document, promise))
                if promise is not None:
                    event = policy_changed(document, promise, by)
                    await self._ledger.append(document, [event], session)
            return seen

        for document, promise in await transact(self._core.db, once):
            tally.add(document, promise)


def _is_concerned(document: Document, command: ReselectCommand) -> bool:
    """Tell whether a request still is what was asked for; steps may have come in between."""
    terms = document["sla_policy"] or {}
    is_open = document["timestamps"]["resolved_at"] is document["timestamps"]["closed_at"] is None
    return (
        is_open
        and command.category in (None, document["category"])
        and command.policy_id in (None, terms.get("policy_id"))
    )
