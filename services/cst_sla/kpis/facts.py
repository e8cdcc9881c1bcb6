"""Facts, kept with what they follow from: in the consumer's transaction, or made right in place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from cst_ledger.events import Document
from cst_mongo.client import Session
from cst_process.core import Core
from cst_sla.domain.facts import Row, fact_of
from cst_sla.kpis.repository import FactsRepository

#: Rows looked at in one go for those without a request.
BATCH = 100


class Facts:
    """``kpi_facts``: a row for every request; also a `Kind` of the projections in place."""

    def __init__(self, core: Core) -> None:
        self._catalog = core.catalog
        self._repository = FactsRepository(core.db)
        self.found = self._repository.rows
        self.save = self._repository.put
        self.drop = self._repository.drop
        self.count = self._repository.count

    async def keep(self, documents: Sequence[Document], session: Session) -> None:
        """Write the rows of some requests, as these stand after what just happened to them."""
        rows = {document["request_id"]: await self.right(document) for document in documents}
        await self.save(rows, session)

    async def right(self, document: Document) -> Row:
        """Return what a request's row should be."""
        return fact_of(document, await self._catalog.get())

    def without_request(self) -> AsyncIterator[list[str]]:
        return self._repository.without_request(BATCH)
