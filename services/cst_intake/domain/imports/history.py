"""What another system tells of one request, and the formats in which it tells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cst_intake.domain.imports.reference import Kind, Reference

#: A data row: column to cell.
Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class History:
    """A request's past. Instants are aware, in UTC; ``created_at`` may be after ``closed_at``.

    Attributes:
        system: the other system, and ``source_id`` its own id of the request.
        year: local year of creation, which its number carries.
        location: ``location`` of the request, without the address.
        department: who had it there, by the city's code; None where the other system does not say.
        channel: how it came in there, in the other system's words; None where it does not say.
    """

    system: str
    source_id: str
    category: Kind
    description: str
    created_at: datetime
    closed_at: datetime | None
    due_at: datetime | None
    year: int
    location: dict[str, Any]
    address: str | None
    department: str | None = None
    channel: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same request whenever it is imported."""
        return self.system, self.source_id


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file.

    Attributes:
        city: the only city that it can be of, None where any.
        id_column: where the other system's id stands.
        required: columns that must be there; ``optional`` ones may be.
        read: reads one row, or raises ``RowProblem``.
    """

    name: str
    city: str | None
    id_column: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    read: Callable[[Row, Reference], History]
