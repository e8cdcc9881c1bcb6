"""Base classes of every contract model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field


class Wire(BaseModel):
    """What is read from the wire: unknown fields are ignored, so that writers may add some."""

    # A process uses few of the models: each is built when it is used first, so that a process that
    # was killed is back in less time.
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class Command(BaseModel):
    """What a caller sends: unknown fields are refused, so that a typing error is not lost."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


def _to_utc_ms(value: datetime) -> datetime:
    try:
        value = value.astimezone(UTC)
    except OverflowError:
        raise ValueError("is before the year 1 or after the year 9999 in UTC") from None
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


#: An aware instant, kept in UTC to the millisecond (what BSON stores).
Instant = Annotated[AwareDatetime, AfterValidator(_to_utc_ms)]
#: 24 hexadecimal digits, a MongoDB ObjectId in JSON.
ObjectIdStr = Annotated[str, Field(pattern=r"^[0-9a-f]{24}$")]
#: A request's public number, ``CST-<year>-<number>``.
RequestId = Annotated[str, Field(pattern=r"^CST-\d{4}-\d{4,12}$", examples=["CST-2026-0001"])]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
