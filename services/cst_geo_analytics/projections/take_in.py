"""New rows into the projections: each row, and the sums it moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cst_geo_analytics.domain.projection import NEWEST_FIELD, Row, moves
from cst_geo_analytics.projections.stores import ProjectionStore
from cst_mongo.client import Session
from cst_mongo.transactions import TryLater


async def take_in(
    store: ProjectionStore,
    rows: Sequence[tuple[str, Row]],
    session: Session | None = None,
    *,
    known: Mapping[str, Row] | None = None,
) -> None:
    """Write rows by request id, the last of each request, and move the sums from old to new.

    Args:
        store: the projections.
        rows: new rows, in order for each request.
        session: the transaction, None for what nobody else writes.
        known: the rows as they are in it, where they have been read already.
    """
    last = dict(rows)
    if known is None:
        known = await store.rows(list(last), session)
    replaced = [(_counted(known.get(key)), row) for key, row in last.items()]
    # What several workers may meet in comes first: who has to try again has done little by then.
    await store.move(moves(replaced), session)
    await store.save_rows(known, last, session)


def _counted(row: Row | None) -> Row | None:
    """A row as the sums have it: one that is a mark alone has taken in nothing."""
    if row is None or row["seq"] < 0:
        return None
    if NEWEST_FIELD not in row:
        raise TryLater("rows of an earlier version wait for a rebuild")
    return row
