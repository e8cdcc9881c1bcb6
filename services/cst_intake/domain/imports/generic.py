"""CST's own format for history of any system; ``cst import --help`` documents it."""

from __future__ import annotations

from cst_contracts.requests import MAX_DESCRIPTION
from cst_intake.domain.imports.fields import (
    category,
    location,
    moment,
    optional,
    required,
    required_moment,
)
from cst_intake.domain.imports.history import Format, History, Row
from cst_intake.domain.imports.reference import Reference
from cst_intake.domain.imports.times import iso_instant

#: ``source.system`` of rows that name none.
DEFAULT_SYSTEM = "csv"


def _read(row: Row, reference: Reference) -> History:
    created_at = required_moment(row, "created_at", iso_instant)
    return History(
        system=optional(row, "source", longest=100) or DEFAULT_SYSTEM,
        source_id=required(row, "id", longest=100),
        category=category(row, "category", reference),
        description=required(row, "description", longest=MAX_DESCRIPTION),
        created_at=created_at,
        closed_at=moment(row, "closed_at", iso_instant),
        due_at=moment(row, "due_at", iso_instant),
        year=created_at.astimezone(reference.timezone).year,
        location=location(row, "lon", "lat", reference),
        address=optional(row, "address", longest=300),
        channel=optional(row, "channel", longest=80),
    )


GENERIC = Format(
    name="csv",
    city=None,
    id_column="id",
    required=("id", "category", "description", "created_at"),
    optional=("closed_at", "due_at", "lon", "lat", "address", "source", "channel"),
    read=_read,
)
