"""Field types shared by the models of a city's folder, strict where YAML knows the type."""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated, TypeVar, get_args
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from cst_contracts.enums import Role
from cst_geo import validate_lon_lat

#: Escalation actions besides ``notify:<role>``.
PLAIN_ACTIONS = ("raise_priority", "reassign", "assign_supervisor")

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


def _known_action(action: str) -> str:
    allowed = [*(f"notify:{role}" for role in get_args(Role)), *PLAIN_ACTIONS]
    if action not in allowed:
        raise ValueError(f"must be one of {', '.join(allowed)}")
    return action


def _distinct(items: tuple[T, ...]) -> tuple[T, ...]:
    twice = [item for position, item in enumerate(items) if item in items[:position]]
    if twice:
        raise ValueError(f"{twice[0]!r} is listed twice")
    return items


def _on_earth(point: tuple[float, float]) -> tuple[float, float]:
    return validate_lon_lat(*point)


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=80)]
SlugOrAny = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z][a-z0-9_-]*)$", max_length=80)]
AgentCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_-]*$", max_length=40)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Timezone = Annotated[str, AfterValidator(_known_timezone)]
ClockTime = Annotated[str, AfterValidator(_clock_time)]
Action = Annotated[str, AfterValidator(_known_action)]
Flag = Annotated[bool, Field(strict=True)]
Number = Annotated[float, Field(strict=True)]
Metres = Annotated[float, Field(strict=True, ge=0)]
Hours = Annotated[float, Field(strict=True, gt=0)]
Capacity = Annotated[int, Field(strict=True, ge=1)]
Coordinate = Annotated[tuple[Number, Number], AfterValidator(_on_earth)]
Unique = Annotated[tuple[T, ...], AfterValidator(_distinct)]
