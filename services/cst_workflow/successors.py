"""Successors: where no step leads back, the matter goes on in a linked new request."""

from __future__ import annotations

from cst_core.errors import Conflict
from cst_drafts import next_number
from cst_ledger.events import By, Document
from cst_mongo.client import Session
from cst_process.core import Core
from cst_workflow.domain.successors import first_event, succeeded


class Successors:
    """Opens successors."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ledger = core.ledger("workflow")

    async def succeed(
        self, document: Document, by: By, reason: str | None, session: Session
    ) -> Document:
        """Open the successor of a request within ``session``, and link the two.

        Args:
            document: the request as it stands in ``session``; its ``succeeded`` event is appended.
            by: who wants it.
            reason: why, as a note on the old request.
            session: a transaction.

        Returns:
            The successor: new, with the reporter, the creation and the used clock of the old one.

        Raises:
            Conflict: it has a successor already.
        """
        if document.get("succeeded_by") is not None:
            raise Conflict(
                f"{document['request_id']} goes on in {document['succeeded_by']} already",
                succeeded_by=document["succeeded_by"],
            )
        catalog, now = await self._core.catalog.get(), self._core.clock.now()
        rules = await self._core.new_rules()
        request_id = await next_number(self._core.counter, catalog.city, now)
        first = first_event(document, rules, by, now)
        successor = await self._ledger.create(request_id, first, session)
        await self._ledger.append(document, [succeeded(document, request_id, by, reason)], session)
        return successor
