"""New rows into the projections: each row, and the sums it moves."""

from __future__ import annotations

from collections.abc import Sequence

from cst_geo.cells import center
from cst_geo_analytics.domain.projection import Row, cell_moves
from cst_geo_analytics.repository import GeoRepository
from cst_mongo.client import Session


async def take_in(
    repository: GeoRepository,
    rows: Sequence[tuple[str, Row]],
    session: Session | None = None,
) -> None:
    """Write rows by request id, the last of each request, and move the sums from old to new."""
    known = await repository.rows(sorted({request_id for request_id, _ in rows}), session)
    written, replaced = dict[str, Row](), list[tuple[Row | None, Row]]()
    for request_id, row in rows:
        replaced.append((known.get(request_id), row))
        known[request_id] = written[request_id] = row
    cells = cell_moves(replaced)
    centers = {key[0]: center(key[0]) for key in cells}
    await repository.save_rows(written, session)
    await repository.move_cells(cells, centers, session)
