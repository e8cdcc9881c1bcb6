from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_calendar import calendar_of
from cst_contracts.enums import PRIORITIES, PriorityName
from cst_rules import breach_at, due_at, paused, promised_for, select_policy, warn_hours
from cst_testkit.factories import policy_terms, request_state

NOW = datetime(2026, 3, 8, 6, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Policy:
    category: str = "*"
    zone: str = "*"
    priority: Literal[PriorityName, "*"] = "*"
    effective_from: datetime | None = None
    number: int = 0


def _select(*policies: Policy) -> Policy | None:
    return select_policy(policies, "pothole", "MN03", "P2", NOW)


def test_more_exact_terms_win() -> None:
    one, two = Policy(category="pothole"), Policy(zone="MN03", priority="P2")
    three = Policy("pothole", "MN03", "P2")
    assert _select(Policy(), one) is one
    assert _select(one, two) is two
    assert _select(three, two, one) is three


def test_of_equally_many_category_goes_before_zone_before_priority() -> None:
    category, zone = Policy(category="pothole"), Policy(zone="MN03")
    priority = Policy(priority="P2")
    assert _select(priority, zone, category) is category
    assert _select(priority, zone) is zone
    without_category = Policy(zone="MN03", priority="P2")
    without_zone = Policy(category="pothole", priority="P2")
    without_priority = Policy(category="pothole", zone="MN03")
    assert _select(without_category, without_zone, without_priority) is without_priority
    assert _select(without_category, without_zone) is without_zone


def test_of_equals_the_one_declared_first_wins() -> None:
    first, second = Policy(number=1), Policy(number=2)
    assert _select(first, second) is first


def test_a_policy_applies_from_its_very_moment_on() -> None:
    fallback = Policy()
    assert _select(Policy(zone="MN03", effective_from=NOW), fallback) is not fallback
    later = Policy(zone="MN03", effective_from=NOW + timedelta(microseconds=1))
    assert _select(later, fallback) is fallback
    assert _select(later) is None


def test_other_places_and_kinds_are_not_its_business() -> None:
    assert _select(Policy(category="graffiti"), Policy(zone="MN04"), Policy(priority="P1")) is None


moments = st.none() | st.integers(-3, 3).map(lambda days: NOW + timedelta(days=days))
policies = st.lists(
    st.builds(
        Policy,
        category=st.sampled_from(["*", "a", "b"]),
        zone=st.sampled_from(["*", "x", "y"]),
        priority=st.sampled_from(["*", *PRIORITIES]),
        effective_from=moments,
    ),
    max_size=25,
)


@given(policies, st.sampled_from("abc"), st.sampled_from("xyz"), st.sampled_from(PRIORITIES))
def test_selection_agrees_with_going_through_the_terms_in_order(
    declared: list[Policy], category: str, zone: str, priority: PriorityName
) -> None:
    # Most exact first: all three, then pairs, then single terms, then the general one.
    order = ["111", "110", "101", "011", "100", "010", "001", "000"]
    wanted = [
        tuple(term if exact == "1" else "*" for term, exact in zip(terms, mask, strict=True))
        for terms in [(category, zone, priority)]
        for mask in order
    ]
    expected = next(
        (
            policy
            for terms in wanted
            for policy in declared
            if (policy.category, policy.zone, policy.priority) == terms
            and (policy.effective_from is None or policy.effective_from <= NOW)
        ),
        None,
    )
    assert select_policy(declared, category, zone, priority, NOW) is expected


@given(policies, st.randoms(use_true_random=False))
def test_order_matters_between_equals_only(declared: list[Policy], random: object) -> None:
    numbers = count()
    distinct = {(p.category, p.zone, p.priority): p for p in declared}
    plain = [Policy(*terms, number=next(numbers)) for terms in distinct]
    assert select_policy(plain, "a", "x", "P1", NOW) is select_policy(
        plain[::-1], "a", "x", "P1", NOW
    )


def test_hours_of_the_clock_ignore_the_change_to_summer_time() -> None:
    # New York set its clocks forward on 8 March 2026 at 7:00 UTC.
    local = NOW.astimezone(timezone(timedelta(hours=-5)))
    terms = policy_terms()
    assert due_at(terms, local) == NOW + timedelta(hours=24)
    assert due_at(terms, local).tzinfo is UTC
    assert breach_at(terms, local) == NOW + timedelta(hours=48)


def test_civil_days_end_at_the_same_local_time() -> None:
    terms = policy_terms(
        calendar="civil-days",
        calendar_terms={"kind": "civil-days", "timezone": "America/New_York"},
    )
    assert due_at(terms, NOW) == NOW + timedelta(hours=23)


def test_what_is_at_risk_by_default_has_used_three_quarters() -> None:
    assert warn_hours(policy_terms()) == 18
    assert warn_hours(policy_terms(warn_hours=0.5)) == 0.5


def test_instants_are_as_exact_as_the_database_keeps_them() -> None:
    due = due_at(policy_terms(target_hours=1 / 7), NOW)
    assert due.microsecond % 1000 == 0


def _promised(**terms: Any) -> dict[str, Any]:
    policy = policy_terms(**terms)
    state = request_state(sla_policy=policy, due_at=due_at(policy, NOW))
    state["timestamps"]["created_at"] = NOW
    return state


CALENDARS = {
    "24x7": None,
    "civil-days": {"kind": "civil-days", "timezone": "America/New_York"},
    "office": {
        "kind": "business",
        "timezone": "America/New_York",
        "weekly": {day: [["08:30", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    },
}
#: Time of three business days, in each calendar.
THREE_DAYS = {
    "24x7": timedelta(days=3),
    "civil-days": timedelta(days=3),
    "office": timedelta(hours=25.5),
}


@pytest.mark.parametrize("after", CALENDARS)
@pytest.mark.parametrize("before", CALENDARS)
@given(st.integers(0, 40))
def test_a_hold_of_three_business_days_moves_the_due_time_by_as_much(
    before: str, after: str, hours_used: int
) -> None:
    """On any calendar, also where the policy changes during the hold."""
    document = _promised(target_hours=60, calendar=before, calendar_terms=CALENDARS[before])
    since = NOW + timedelta(hours=hours_used)
    # Of the calendar that the promise has at the end: a hold is as long as it is there.
    until = calendar_of(CALENDARS[after]).advance(since, THREE_DAYS[after])
    document["sla_policy"] = policy_terms(
        target_hours=60, calendar=after, calendar_terms=CALENDARS[after]
    )
    unpaused = due_at(document["sla_policy"], NOW)
    changes = paused(document, since, until)
    moved = calendar_of(CALENDARS[after]).elapsed(unpaused, changes["due_at"])
    assert moved == THREE_DAYS[after]
    assert changes["workflow.held_seconds"] == int((until - since).total_seconds())


def test_what_was_overdue_when_its_clock_stopped_stays_so() -> None:
    document = _promised()
    since = NOW + timedelta(hours=30)
    changes = paused(document, since, since + timedelta(hours=10))
    assert changes["due_at"] == document["due_at"]
    assert breach_at(document["sla_policy"], NOW, [(since, since + timedelta(hours=10))]) == (
        NOW + timedelta(hours=58)
    )


def test_pauses_add_up_and_none_is_none() -> None:
    document = _promised()
    first = paused(document, NOW, NOW + timedelta(hours=1))
    document["workflow"] |= {
        name.removeprefix("workflow."): value for name, value in first.items() if "." in name
    }
    second = paused(document, NOW + timedelta(hours=5), NOW + timedelta(hours=7))
    assert second["due_at"] == NOW + timedelta(hours=27)
    assert second["workflow.held_seconds"] == 3 * 3600
    nothing = paused(document, NOW + timedelta(hours=9), NOW + timedelta(hours=8))
    assert nothing["workflow.pauses"] == document["workflow"]["pauses"]


def test_a_request_without_a_promise_has_none_after_a_pause() -> None:
    assert paused(request_state(), NOW, NOW + timedelta(hours=1))["due_at"] is None


def test_an_escalation_does_not_change_what_was_promised_for() -> None:
    document = _promised(priority="P3")
    document["priority"] = "P2"
    assert promised_for(document) == "P3"
    assert promised_for(request_state(priority="P4")) == "P4"
