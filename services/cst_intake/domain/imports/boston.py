"""Boston's open data of 311 requests: one row a request, times local, no zone."""

from __future__ import annotations

import re
from functools import partial

from cst_contracts.requests import MAX_DESCRIPTION
from cst_intake.domain.imports.fields import (
    RowProblem,
    category,
    location,
    moment,
    optional,
    required,
    required_moment,
)
from cst_intake.domain.imports.history import Format, History, Row
from cst_intake.domain.imports.reference import Reference
from cst_intake.domain.imports.times import us_local_time

SYSTEM = "boston311"
_GAPS = re.compile(r"\s{2,}")


def _read(row: Row, reference: Reference) -> History:
    local = partial(us_local_time, zone=reference.timezone)
    created_at = required_moment(row, "OPEN_DT", local)
    closed_at = moment(row, "CLOSED_DT", local)
    _check_status(row, closed=closed_at is not None)
    address = optional(row, "Location", longest=300)
    return History(
        system=SYSTEM,
        source_id=required(row, "CASE_ENQUIRY_ID", longest=100),
        category=category(row, "TYPE", reference),
        description=_description(row),
        created_at=created_at,
        closed_at=closed_at,
        due_at=moment(row, "TARGET_DT", local),
        year=created_at.astimezone(reference.timezone).year,
        location=location(row, "LONGITUDE", "LATITUDE", reference),
        # The file sets the address's parts apart by two blanks.
        address=None if address is None else _GAPS.sub(", ", address),
        department=optional(row, "Department", longest=80),
        channel=optional(row, "Source", longest=80),
    )


def _check_status(row: Row, *, closed: bool) -> None:
    status = row["CASE_STATUS"].strip()
    if status not in ("Open", "Closed"):
        raise RowProblem("CASE_STATUS", status, "is neither Open nor Closed")
    if closed != (status == "Closed"):
        reason = "has a time, but CASE_STATUS is Open" if closed else "is blank, but it is Closed"
        raise RowProblem("CLOSED_DT", row["CLOSED_DT"], reason)


def _description(row: Row) -> str:
    """The file has no words of the citizen; what it was about is what the desk made of it."""
    kind = required(row, "TYPE", longest=MAX_DESCRIPTION)
    reason = optional(row, "REASON", longest=MAX_DESCRIPTION)
    return kind if reason in (None, kind) else f"{reason}: {kind}"[:MAX_DESCRIPTION]


BOSTON = Format(
    name="boston",
    city="boston",
    id_column="CASE_ENQUIRY_ID",
    required=(
        "CASE_ENQUIRY_ID",
        "OPEN_DT",
        "TARGET_DT",
        "CLOSED_DT",
        "CASE_STATUS",
        "REASON",
        "TYPE",
        "Location",
        "LATITUDE",
        "LONGITUDE",
    ),
    optional=("Department", "Source"),
    read=_read,
)
