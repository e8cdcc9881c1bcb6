"""Geo-analytics' marks, kept in its rows: ``seq`` says what a row has taken in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from weakref import WeakKeyDictionary

from cst_bus.marks import Mark, Marks, mark_of
from cst_geo_analytics.domain.projection import Row
from cst_geo_analytics.projections.gate import Gate
from cst_geo_analytics.projections.stores import POINTS, ProjectionStore
from cst_mongo.client import Database, Session


class RowMarks(Marks):
    """What it writes by itself goes through the gate, as what the handler writes does."""

    def __init__(self, db: Database, gate: Gate) -> None:
        super().__init__(db[POINTS.name])
        self._gate = gate
        self._store = ProjectionStore(db)
        self._loaded = WeakKeyDictionary[Session, dict[str, Row | None]]()

    async def load(self, request_ids: Iterable[str], session: Session | None) -> dict[str, Mark]:
        ids = list(request_ids)
        rows = await self._store.rows(ids, session)
        if session is not None:
            self._loaded[session] = {request_id: rows.get(request_id) for request_id in ids}
        return {request_id: mark_of(row) for request_id, row in rows.items()}

    def loaded(self, request_ids: Collection[str], session: Session) -> dict[str, Row] | None:
        """Return the rows that ``load`` has read in this transaction; None where it read others."""
        rows = self._loaded.get(session, {})
        if not rows.keys() >= set(request_ids):
            return None
        return {key: row for key in request_ids if (row := rows[key]) is not None}

    async def save(self, seqs: Mapping[str, int], session: Session) -> None:
        """The handler has written ``seq`` with the rows."""

    async def skip(self, seqs: Mapping[str, int], session: Session) -> None:
        await self._gate.pass_through(session)
        await super().skip(seqs, session)

    async def pass_by(self, seqs: Mapping[str, int], session: Session) -> None:
        if seqs:
            await self._gate.pass_through(session)
        await super().pass_by(seqs, session)

    async def park(
        self, request_id: str, error: str, session: Session, *, seq: int | None = None
    ) -> bool:
        await self._gate.pass_through(session)
        return await super().park(request_id, error, session, seq=seq)

    async def unpark(self, request_id: str, session: Session) -> None:
        await self._gate.pass_through(session)
        await super().unpark(request_id, session)
