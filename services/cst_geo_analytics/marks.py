"""Geo-analytics' marks, kept in its rows: ``seq`` says what a row has taken in."""

from __future__ import annotations

from collections.abc import Mapping

from cst_bus.marks import Marks
from cst_geo_analytics.gate import Gate
from cst_geo_analytics.repository import POINTS
from cst_mongo.client import Database, Session


class RowMarks(Marks):
    """What it writes by itself goes through the gate, as what the handler writes does."""

    def __init__(self, db: Database, gate: Gate) -> None:
        super().__init__(db[POINTS.name])
        self._gate = gate

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
