"""New rows into the projections: each row, and the sums it moves."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from cst_geo.cells import center
from cst_geo_analytics.domain.projection import Deltas, Row, changed
from cst_geo_analytics.repository import GeoRepository
from cst_mongo.client import Session


async def take_in(
    repository: GeoRepository,
    timezone: ZoneInfo,
    rows: Sequence[tuple[str, Row]],
    session: Session | None = None,
) -> None:
    """Write rows by request id, the last of each request, and move the sums from old to new."""
    known = await repository.rows(sorted({request_id for request_id, _ in rows}), session)
    deltas, written = Deltas(timezone), dict[str, Row]()
    for request_id, row in rows:
        deltas.replace(known.get(request_id), row)
        known[request_id] = written[request_id] = row
    cells = changed(deltas.cells)
    centers = {key[0]: center(key[0]) for key in cells}
    await repository.save_rows(written, session)
    await repository.move_cells(cells, centers, session)
    await repository.move_kpis(changed(deltas.kpis), session)
