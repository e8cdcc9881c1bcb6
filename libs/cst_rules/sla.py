"""Choice of the SLA policy of a request, and the moments its promise falls due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, TypeVar

from cst_calendar import Pause, calendar_of, due
from cst_contracts.enums import PriorityName
from cst_core.clock import to_ms

#: Stands for "any" in a policy's category, zone or priority.
WILDCARD = "*"
#: Part of the target after which a request is at risk, where a policy does not say.
WARN_SHARE = 0.75


class PolicyTerms(Protocol):
    """What choosing needs to know of a policy."""

    @property
    def category(self) -> str: ...
    @property
    def zone(self) -> str: ...
    @property
    def priority(self) -> PriorityName | Literal["*"]: ...
    @property
    def effective_from(self) -> datetime | None: ...


Policy = TypeVar("Policy", bound=PolicyTerms)


def select_policy(
    policies: Iterable[Policy],
    category: str,
    zone_id: str,
    priority: PriorityName,
    at: datetime,
) -> Policy | None:
    """Return the policy for (category, zone, priority) in force at ``at`` (aware), or None.

    The one with most exact terms wins; of equally many an exact category goes before an exact
    zone, that before an exact priority; what is still equal goes by the declared order.
    """
    matching = [
        policy
        for policy in policies
        if applies(policy, category, zone_id, priority)
        and (policy.effective_from is None or policy.effective_from <= at)
    ]
    return max(matching, key=_specificity, default=None)


def applies(policy: PolicyTerms, category: str, zone_id: str, priority: PriorityName) -> bool:
    """Tell whether the policy's terms fit (category, zone, priority), whatever the date."""
    return (
        policy.category in (WILDCARD, category)
        and policy.zone in (WILDCARD, zone_id)
        and policy.priority in (WILDCARD, priority)
    )


def _specificity(policy: PolicyTerms) -> tuple[int, bool, bool, bool]:
    category = policy.category != WILDCARD
    zone = policy.zone != WILDCARD
    priority = policy.priority != WILDCARD
    return category + zone + priority, category, zone, priority


Document = Mapping[str, Any]
#: What a request keeps of its policy, its field ``sla_policy``.
Terms = Mapping[str, Any]


def due_at(terms: Terms, start: datetime, pauses: Sequence[Pause] = ()) -> datetime:
    """Return when the promise of a clock started at ``start`` (aware) falls due, in UTC.

    ``pauses`` are the times for which the clock stood still.
    """
    return after(terms, start, terms["target_hours"], pauses)


def breach_at(terms: Terms, start: datetime, pauses: Sequence[Pause] = ()) -> datetime:
    """Return when a breach is declared, in UTC; as `due_at`."""
    return after(terms, start, terms["breach_threshold_hours"], pauses)


def warn_hours(terms: Terms) -> float:
    """Return after how many hours a request is at risk: as the policy says, else 75 % of it."""
    hours = terms["warn_hours"]
    return float(WARN_SHARE * terms["target_hours"] if hours is None else hours)


def after(terms: Terms, start: datetime, hours: float, pauses: Sequence[Pause] = ()) -> datetime:
    """Return when ``hours`` of the policy's calendar have passed since ``start``, in UTC."""
    return to_ms(due(calendar_of(terms.get("calendar_terms")), start, hours, pauses))


def promised_for(document: Document) -> PriorityName:
    """Return the priority that a request's promise is for; an escalation raises its own alone."""
    terms = document["sla_policy"]
    priority: PriorityName = document["priority"] if terms is None else terms["priority"]
    return priority


def pauses_of(document: Document) -> list[Pause]:
    """Return the times for which a request's clock stood still, those that are over."""
    return [(pause["since"], pause["until"]) for pause in document["workflow"]["pauses"]]


def paused(document: Document, since: datetime, until: datetime) -> dict[str, Any]:
    """Return what changes of a request whose clock stood still from ``since`` to ``until``.

    The promise is put off by the calendar's time in between. What was overdue when the clock
    stopped stays so; its later steps are put off as the promise would be.

    Returns:
        ``workflow.held_seconds``, ``workflow.pauses`` and ``due_at`` by their dotted paths.
    """
    workflow, terms = document["workflow"], document["sla_policy"]
    pauses, span = pauses_of(document), max(until - since, timedelta())
    if span:
        pauses.append((since, until))
    start = document["timestamps"]["created_at"]
    return {
        "workflow.held_seconds": workflow["held_seconds"]
        + max(0, int((until - since).total_seconds())),
        "workflow.pauses": [{"since": begin, "until": end} for begin, end in pauses],
        "due_at": None if terms is None else due_at(terms, start, pauses),
    }
