"""Choice of the SLA policy of a request, and the moments its promise falls due."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol, TypeVar

from cst_contracts.enums import PriorityName

#: Stands for "any" in a policy's category, zone or priority.
WILDCARD = "*"
#: Part of the target after which a request is at risk, where a policy does not say.
WARN_SHARE = 0.75


class PolicyTerms(Protocol):
    """What choosing and timing needs to know of a policy. Hours are hours of its calendar."""

    @property
    def category(self) -> str: ...
    @property
    def zone(self) -> str: ...
    @property
    def priority(self) -> PriorityName | Literal["*"]: ...
    @property
    def target_hours(self) -> float: ...
    @property
    def breach_threshold_hours(self) -> float: ...
    @property
    def warn_hours(self) -> float | None: ...
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


def due_at(policy: PolicyTerms, start: datetime) -> datetime:
    """Return when the promise falls due for a clock started at ``start`` (aware), in UTC.

    Raises:
        ValueError: ``start`` has no time zone.
    """
    return _after(start, policy.target_hours)


def breach_at(policy: PolicyTerms, start: datetime) -> datetime:
    """Return when a breach is declared, in UTC. Raises as `due_at`."""
    return _after(start, policy.breach_threshold_hours)


def warn_at(policy: PolicyTerms, start: datetime) -> datetime:
    """Return when the request is at risk, in UTC: ``warn_hours``, else 75 % of the target.

    Raises as `due_at`.
    """
    hours = policy.warn_hours
    return _after(start, WARN_SHARE * policy.target_hours if hours is None else hours)


def promise(
    policies: Iterable[Policy],
    *,
    category: str,
    zone_id: str,
    priority: PriorityName,
    created_at: datetime,
    held_seconds: int = 0,
) -> tuple[Policy | None, datetime | None]:
    """Return the policy of a request and when its promise falls due, (None, None) without one.

    The clock runs from ``created_at``, less the seconds for which it stood still.
    """
    policy = select_policy(policies, category, zone_id, priority, created_at)
    if policy is None:
        return None, None
    return policy, due_at(policy, created_at) + timedelta(seconds=held_seconds)


def restarted(due: datetime | None, stopped_at: datetime, now: datetime) -> datetime | None:
    """Return when a promise falls due whose clock stood still from ``stopped_at`` until ``now``.

    What was overdue when the clock stopped stays so, by as much: the breach of a policy with slack
    is put off as well, and ``promise`` says the same of the seconds held.
    """
    return None if due is None else due + (now - stopped_at)


def _after(start: datetime, hours: float) -> datetime:
    if start.tzinfo is None:
        raise ValueError(f"start must be an aware datetime, got {start.isoformat()}")
    return start.astimezone(UTC) + timedelta(hours=hours)
