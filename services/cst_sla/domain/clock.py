"""A request's clock: its steps, which of them have fired, and what falls due next.

All of it follows from the request's document. What has fired stands there, too (``sla_fired``), and
is written with the step's own event: so two schedulers can never fire one step, whatever the rows
of ``sla_clocks`` say, which only tell where to look.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from cst_ledger.events import Document
from cst_rules import after, breach_at, pauses_of, warn_hours

StepKind = Literal["response_missed", "at_risk", "escalation", "overdue", "breached"]
#: Of steps due at the same instant the one that comes first.
_ORDER: tuple[StepKind, ...] = ("response_missed", "at_risk", "escalation", "overdue", "breached")
#: Key of the one step that fires once in a request's life: a breach stays one.
BREACHED = "breached"


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens when ``after_hours`` hours of the clock are used up, at ``at`` (UTC).

    ``key`` names it among the steps of a request: a policy with other hours has other steps.
    ``action`` is there for escalations only.
    """

    kind: StepKind
    after_hours: float
    at: datetime
    key: str
    action: str | None = None


def ended_at(document: Document) -> datetime | None:
    """Return when the work ended: resolved, or closed without work; None while it is open."""
    times = document["timestamps"]
    ended: datetime | None = times["resolved_at"] or times["closed_at"]
    return ended


def has_clock(document: Document) -> bool:
    """Tell whether a request has a clock: no duplicate has, and none without a promise."""
    return document["sla_policy"] is not None and document["duplicates"]["is_master"]


def fired(document: Document) -> dict[str, datetime]:
    """Return the keys of the steps that have fired, with the instants at which they were due."""
    return {step["step"]: step["due_at"] for step in document["sla_fired"]}


def breached_at(document: Document) -> datetime | None:
    """Return when the promise was broken, None where it was not (or not yet declared)."""
    return fired(document).get(BREACHED)


def steps_of(document: Document) -> list[Step]:
    """Return all steps of a request that has a clock, in the order in which they fall due.

    Of imported history only the breach is told: nobody is to act on it.
    """
    steps = [_breach(document)] if document["historic"] else list(_steps(document))
    return sorted(steps, key=lambda step: (step.at, _ORDER.index(step.kind)))


def _steps(document: Document) -> Iterator[Step]:
    policy, start = document["sla_policy"], document["timestamps"]["created_at"]
    pauses = pauses_of(document)

    def step(kind: StepKind, hours: float, action: str | None = None) -> Step:
        at = after(policy, start, hours, pauses)
        return Step(kind, hours, at, step_key(policy, kind, hours, action), action)

    if policy["acknowledge_hours"] is not None:
        yield step("response_missed", policy["acknowledge_hours"])
    yield step("at_risk", warn_hours(policy))
    for declared in policy["escalation_steps"]:
        yield step("escalation", declared["after_hours"], declared["action"])
    if policy["breach_threshold_hours"] > policy["target_hours"]:
        yield step("overdue", policy["target_hours"])
    yield _breach(document)


def step_key(policy: Document, kind: StepKind, hours: float, action: str | None = None) -> str:
    """Return the key of a step: with other hours, or other hours' calendar, it is another one."""
    parts = [kind, f"{hours:g}", policy["calendar"], *([action] if action else [])]
    return ":".join(parts)


def _breach(document: Document) -> Step:
    policy, at = document["sla_policy"], document["due_at"]
    hours = policy["breach_threshold_hours"]
    if hours > policy["target_hours"]:
        at = breach_at(policy, document["timestamps"]["created_at"], pauses_of(document))
    return Step("breached", hours, at, BREACHED)


def pending(document: Document) -> list[Step]:
    """Return the steps that have yet to fire, in their order.

    While a request is held, and after its end, only what fell due before is left; after its end
    that is the breach alone, which is a fact, and no more anything to act on.
    """
    if not has_clock(document):
        return []
    done, ended, hold = fired(document), ended_at(document), document["workflow"]["hold"]
    stands_since = ended or (hold["since"] if hold is not None else None)
    return [
        step
        for step in steps_of(document)
        if step.key not in done
        and (stands_since is None or step.at < stands_since)
        and (ended is None or step.kind == "breached")
        and (step.kind != "response_missed" or _is_unanswered(document, step.at))
    ]


def _is_unanswered(document: Document, at: datetime) -> bool:
    answered_at = document["first_response_at"]
    return answered_at is None or bool(answered_at > at)


def clock_of(document: Document) -> dict[str, Any] | None:
    """Return the row of a request in ``sla_clocks``; None where it has no clock.

    ``next_due_at`` is null where nothing can fall due any more, or as long as the request is held.
    """
    if not has_clock(document):
        return None
    policy, ahead = document["sla_policy"], pending(document)
    return {
        "policy_id": policy["policy_id"],
        "target_hours": policy["target_hours"],
        "started_at": document["timestamps"]["created_at"],
        "due_at": document["due_at"],
        "breach_at": _breach(document).at,
        "stopped_at": ended_at(document),
        "next_step": ahead[0].key if ahead else None,
        "next_due_at": ahead[0].at if ahead else None,
        "breached_at": breached_at(document),
        "historic": document["historic"],
    }
