"""What other promises would have come to, over requests as their ledger tells them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cst_city.catalog import Catalog, Promise
from cst_ledger.events import Document
from cst_rules import breach_at, pauses_of, promised_for
from cst_sla.domain.clock import ended_at


@dataclass(slots=True)
class Outcome:
    """How many requests were met, missed, and breached; what is open and not due counts nowhere."""

    met: int = 0
    missed: int = 0
    breached: int = 0
    promised: int = 0

    @property
    def met_share(self) -> float | None:
        """Share of those that were judged, None where none was."""
        judged = self.met + self.missed
        return self.met / judged if judged else None

    def add(self, document: Document, promise: Promise, now: datetime) -> None:
        """Count a request under a promise.

        It is met when it ended by the target, missed when it did not (or has not, by ``now``), and
        breached when the slack was over, too.
        """
        if promise["sla_policy"] is None:
            return
        self.promised += 1
        ended = ended_at(document) or now
        if ended > promise["due_at"]:
            self.missed += 1
        elif ended_at(document) is not None:
            self.met += 1
        self.breached += ended > _breach_at(document, promise)


def _breach_at(document: Document, promise: Promise) -> datetime:
    terms, due_at = promise["sla_policy"], promise["due_at"]
    if terms["breach_threshold_hours"] <= terms["target_hours"]:
        found: datetime = due_at
        return found
    return breach_at(terms, document["timestamps"]["created_at"], pauses_of(document))


@dataclass(frozen=True, slots=True)
class Comparison:
    """A category's outcome as it was, and as it would have been."""

    was: Outcome
    would_be: Outcome


def compare(into: dict[str, Comparison], document: Document, other: Catalog, now: datetime) -> None:
    """Count a request in its category's comparison; a duplicate counts nowhere.

    The promise is selected as it was at the time, for the same category, zone and priority; the
    clock stood still when it did.
    """
    if not document["duplicates"]["is_master"]:
        return
    row = into.setdefault(document["category"], Comparison(Outcome(), Outcome()))
    row.was.add(document, document, now)
    promise = other.promise(
        document["category"],
        document["location"]["zone_id"],
        promised_for(document),
        document["timestamps"]["created_at"],
        pauses_of(document),
    )
    row.would_be.add(document, promise, now)
