"""What the file itself says: read by the csv module, zoneinfo, shapely and h3, none of CST's code.

Every twelfth row, so that each month and trait is in it; all of them with ``CST_DATA=full``.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import h3
import shapely
import yaml
from shapely.geometry import shape

FULL = os.environ.get("CST_DATA") == "full"
EVERY = 1 if FULL else 12
#: Seconds a test may take together with the import that it is the first to ask for.
TIMEOUT = 3600 if FULL else 600

REPOSITORY = Path(__file__).parents[2]
BOSTON = ZoneInfo("America/New_York")
#: Where the city's form puts what nobody placed.
UNKNOWN_POINT = (-71.0587, 42.3594)
#: When the snapshot ends: who is late is judged by this moment.
SNAPSHOT_END = datetime(2016, 1, 12, 23, 0, tzinfo=BOSTON)


@dataclass(frozen=True)
class Row:
    """One data row; instants in UTC."""

    id: str
    category: str
    opened: datetime
    closed: datetime | None
    target: datetime | None
    on_time: str
    neighborhood: str
    department: str
    point: tuple[float, float]

    @property
    def day(self) -> date:
        return self.opened.astimezone(BOSTON).date()

    @property
    def located(self) -> bool:
        return self.point != UNKNOWN_POINT

    @property
    def minutes(self) -> float | None:
        """From opening to closing; the few that end before they begin take none."""
        if self.closed is None:
            return None
        return max(timedelta(), self.closed - self.opened) / timedelta(minutes=1)

    @property
    def verdict(self) -> str:
        """The city's own verdict on a closed row with a target; a blank one is late."""
        return "met" if self.on_time == "ONTIME" else "missed"

    @property
    def breached(self) -> bool:
        """Late when it was closed, or still open after its target."""
        if self.target is None:
            return False
        return self.target < (self.closed or SNAPSHOT_END)

    @property
    def leaf(self) -> str:
        lon, lat = self.point
        cell: str = h3.latlng_to_cell(lat, lon, 10)
        return cell


@dataclass(frozen=True)
class BostonFile:
    """The rows that a run imports, and the polygons of the neighborhoods."""

    folder: Path
    rows: tuple[Row, ...]

    @property
    def path(self) -> Path:
        return self.folder / "boston311_2015.csv.gz"

    @property
    def zones_path(self) -> Path:
        return self.folder / "boston_neighborhoods.geojson"

    @cached_property
    def closed(self) -> list[Row]:
        return [row for row in self.rows if row.closed is not None]

    @cached_property
    def judged(self) -> list[Row]:
        return [row for row in self.closed if row.target is not None]

    @cached_property
    def located(self) -> list[Row]:
        return [row for row in self.rows if row.located]

    @cached_property
    def statuses(self) -> Counter[str]:
        return Counter("new" if row.closed is None else "closed" for row in self.rows)

    @cached_property
    def categories(self) -> Counter[str]:
        return Counter(row.category for row in self.rows)

    @cached_property
    def days(self) -> Counter[str]:
        return Counter(row.day.isoformat() for row in self.rows)

    def inside(self, neighborhood: str) -> tuple[int, int]:
        """Return (rows whose point the polygon covers, all rows) that the city counts there."""
        features = json.loads(self.zones_path.read_text())["features"]
        (area,) = (
            shapely.make_valid(shape(feature["geometry"]))
            for feature in features
            if feature["properties"]["name"] == neighborhood
        )
        placed = [row for row in self.located if row.neighborhood == neighborhood]
        points = shapely.points([row.point for row in placed])
        return int(shapely.covers(area, points).sum()), len(placed)


def read_boston(folder: Path) -> BostonFile:
    """Read the rows of the run."""
    declared = yaml.safe_load((REPOSITORY / "infra/cities/boston/categories.yaml").read_text())
    codes = {name: c["code"] for c in declared["categories"] for name in c["source_types"]}
    with gzip.open(folder / "boston311_2015.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = tuple(_row(row, codes) for row in islice(csv.DictReader(file), 0, None, EVERY))
    return BostonFile(folder, rows)


def _row(row: dict[str, str], codes: dict[str, str]) -> Row:
    opened = _instant(row["OPEN_DT"])
    assert opened is not None
    return Row(
        id=row["CASE_ENQUIRY_ID"],
        category=codes[row["TYPE"]],
        opened=opened,
        closed=_instant(row["CLOSED_DT"]),
        target=_instant(row["TARGET_DT"]),
        on_time=row["OnTime_Status"],
        neighborhood=row["neighborhood"],
        department=row["Department"],
        point=(float(row["LONGITUDE"]), float(row["LATITUDE"])),
    )


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    local = datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p")
    return local.replace(tzinfo=BOSTON).astimezone(UTC)
