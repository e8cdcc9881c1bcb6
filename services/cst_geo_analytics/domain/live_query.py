"""Query parameters of the live map."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from cst_city.catalog import Catalog
from cst_geo.params import parse_box
from cst_geo_analytics.domain.live import Wanted


class LiveQuery(BaseModel):
    """What a client of the live map wants to hear of."""

    model_config = ConfigDict(extra="forbid")

    category: list[str] = Field(default=[], max_length=200, description="Any of these")
    bbox: str | None = Field(
        default=None,
        max_length=200,
        description="west,south,east,north in degrees, as of the heatmap: requests whose cell has "
        "its centre in it",
    )
    last_event_id: str | None = Field(
        default=None,
        description="For clients that cannot set the header `Last-Event-ID`, which wins",
    )

    def wanted(self, catalog: Catalog, *, staff: bool) -> Wanted:
        """Return the filter.

        Raises:
            InvalidInput: a category that the city does not have, or a bbox that is none.
        """
        for code in self.category:
            catalog.category(code)
        box = None if self.bbox is None else parse_box(self.bbox)
        return Wanted(staff, frozenset(self.category), box)
