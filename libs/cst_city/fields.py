"""Field types shared by the models of a city's folder, strict where YAML knows the type."""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated, TypeVar
from zoneinfo import available_timezones

import shapely
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from cst_geo import validate_lon_lat
from cst_rules.actions import action_names

#: More than eleven years: what is to take longer is a slip.
MAX_HOURS = 100_000
#: Every decision of dispatch tests points against fences: the outline of a district has fewer.
MAX_FENCE_POINTS = 1_000

_Rings = tuple[tuple[tuple[float, float], ...], ...]
T = TypeVar("T")


class Model(BaseModel):
    """Base of all: immutable, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _known_timezone(name: str) -> str:
    if name not in _timezones():
        raise ValueError("must be an IANA time zone such as America/New_York")
    return name


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _clock_time(text: str) -> str:
    if not re.fullmatch(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise ValueError("must be HH:MM, from 00:00 to 23:59")
    return text


def _end_time(text: str) -> str:
    return text if text == "24:00" else _clock_time(text)


def _known_action(action: str) -> str:
    if action not in action_names():
        raise ValueError(f"must be one of {', '.join(action_names())}")
    return action


def _distinct(items: tuple[T, ...]) -> tuple[T, ...]:
    twice = [item for position, item in enumerate(items) if item in items[:position]]
    if twice:
        raise ValueError(f"{twice[0]!r} is listed twice")
    return items


def _on_earth(point: tuple[float, float]) -> tuple[float, float]:
    return validate_lon_lat(*point)


def _closed(rings: _Rings) -> _Rings:
    for ring in rings:
        if ring[0] != ring[-1]:
            raise ValueError("each ring must end at the point it starts from")
    return rings


def _simple(rings: _Rings) -> _Rings:
    if (points := sum(map(len, rings))) > MAX_FENCE_POINTS:
        raise ValueError(f"must have at most {MAX_FENCE_POINTS} points, has {points}")
    polygon = shapely.Polygon(rings[0], rings[1:])
    if not polygon.is_valid:
        raise ValueError(_fault(shapely.is_valid_reason(polygon)))
    if polygon.area == 0:
        raise ValueError("encloses no area")
    return rings


def _fault(reason: str) -> str:
    """Put shapely's ``Self-intersection[-73.9 40.7]`` into words."""
    said, _, place = reason.rstrip("]").partition("[")
    said = "crosses or touches itself" if "self-intersection" in said.lower() else said.lower()
    return f"is no simple polygon: {said} at [{place.replace(' ', ', ')}]"


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=80)]
SlugOrAny = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z][a-z0-9_-]*)$", max_length=80)]
AgentCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_-]*$", max_length=40)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Timezone = Annotated[str, AfterValidator(_known_timezone)]
ClockTime = Annotated[str, AfterValidator(_clock_time)]
EndTime = Annotated[str, AfterValidator(_end_time)]
Action = Annotated[str, AfterValidator(_known_action)]
Flag = Annotated[bool, Field(strict=True)]
Number = Annotated[float, Field(strict=True)]
Metres = Annotated[float, Field(strict=True, ge=0)]
Hours = Annotated[float, Field(strict=True, gt=0, le=MAX_HOURS)]
Capacity = Annotated[int, Field(strict=True, ge=1)]
Coordinate = Annotated[tuple[Number, Number], AfterValidator(_on_earth)]
Unique = Annotated[tuple[T, ...], AfterValidator(_distinct)]
#: The rings of a polygon: the outer one, then holes.
Rings = Annotated[
    tuple[Annotated[tuple[Coordinate, ...], Field(min_length=4)], ...],
    Field(min_length=1),
    AfterValidator(_closed),
    AfterValidator(_simple),
]
