"""Named map feeds, their snapshots, and what has changed between two of them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from cst_contracts.base import Instant, Wire
from cst_contracts.documents import Aggregation, FeatureCollection

AudienceName = Literal["public", "staff"]


class SnapshotInfo(Wire):
    """A snapshot without its map."""

    feed: str
    title: str = Field(description="Of the feed, as it was then")
    number: int = Field(description="Counts up within the feed; names the snapshot in paths")
    generated_at: Instant = Field(description="When it was made, not when it should have been")
    due_at: Instant | None = Field(description="By the feed's schedule; null: made on demand")
    audience: AudienceName = Field(description="public: made of what the public may see")
    filters: dict[str, Any]
    aggregation: Aggregation
    etag: str = Field(description="Digest of the map, its filters and when it was made")


class Snapshot(SnapshotInfo):
    """A snapshot with its map; in collection ``geo_feeds`` it is ``<feed>@<number>``."""

    feed_name: str = Field(examples=["open-potholes@17"])
    geojson: FeatureCollection


class SnapshotCells(SnapshotInfo):
    """A snapshot for maps that draw H3 cells themselves."""

    cells: list[tuple[str, int | float]] = Field(
        description="[cell, weight], in order of the cells"
    )


class SnapshotPage(Wire):
    """A page of a feed's snapshots, newest first."""

    items: list[SnapshotInfo]
    next_cursor: str | None


class LatestSnapshot(Wire):
    number: int
    generated_at: Instant
    etag: str


class FeedFailure(Wire):
    """Why the last snapshot that fell due was not made; the next is tried when it is due."""

    at: Instant
    detail: str


class NamedFeed(Wire):
    """A named feed. What only staff see is null to others."""

    name: str
    title: str
    query: dict[str, Any] = Field(description="Parameters of the heatmap")
    audience: AudienceName
    every_hours: int | None = Field(description="Null: made on demand only")
    starts_at: Instant | None
    next_at: Instant | None = Field(description="When the next snapshot is due")
    keep: int
    version: int = Field(description="Counts up with each change of the feed; for If-Match")
    latest: LatestSnapshot | None = Field(description="The newest snapshot for this audience")
    created_at: Instant
    updated_at: Instant
    updated_by: str | None = Field(description="Staff only")
    failure: FeedFailure | None = Field(description="Staff only")


class NamedFeedPage(Wire):
    """A page of named feeds by name."""

    items: list[NamedFeed]
    next_cursor: str | None


class DifferenceTotals(Wire):
    """How many cells did what, and sums over each map."""

    rose: int
    fell: int
    came: int
    went: int
    unchanged: int
    count_before: int
    count_after: int
    weight_before: float
    weight_after: float


class FeedDifference(Wire):
    """What has changed from ``before`` to ``after``: the changed cells as GeoJSON.

    Properties of a feature: ``cell``, ``change`` (rose, fell, came, went) and ``count_before``,
    ``count_after``, ``count_change``, ``weight_before``, ``weight_after``, ``weight_change``.
    """

    type: Literal["FeatureCollection"] = "FeatureCollection"
    before: SnapshotInfo
    after: SnapshotInfo
    totals: DifferenceTotals
    features: list[dict[str, Any]]
