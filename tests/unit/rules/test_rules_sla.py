from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_contracts.enums import PRIORITIES, PriorityName
from cst_rules import breach_at, due_at, promise, restarted, select_policy, warn_at

NOW = datetime(2026, 3, 8, 6, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Policy:
    category: str = "*"
    zone: str = "*"
    priority: Literal[PriorityName, "*"] = "*"
    effective_from: datetime | None = None
    target_hours: float = 24
    breach_threshold_hours: float = 48
    warn_hours: float | None = None
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
    assert due_at(Policy(), local) == NOW + timedelta(hours=24)
    assert due_at(Policy(), local).tzinfo is UTC
    assert breach_at(Policy(), local) == NOW + timedelta(hours=48)
    assert warn_at(Policy(), local) == NOW + timedelta(hours=18)
    assert warn_at(Policy(warn_hours=0.5), local) == NOW + timedelta(minutes=30)


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_clock_that_stood_still_gives_as_much_time_as_was_left(
    due_s: int, stopped_s: int, pause_s: int
) -> None:
    due, stopped = NOW + timedelta(seconds=due_s), NOW + timedelta(seconds=stopped_s)
    goes_on = stopped + timedelta(seconds=pause_s)
    put_off = restarted(due, stopped, goes_on)
    assert put_off is not None
    assert put_off - goes_on == due - stopped


def test_a_clock_without_a_promise_has_none_after_a_pause() -> None:
    assert restarted(None, NOW, NOW + timedelta(hours=1)) is None


def test_the_promise_and_the_restarted_clock_agree() -> None:
    policy, due = promise(
        [Policy()], category="a", zone_id="x", priority="P1", created_at=NOW, held_seconds=0
    )
    assert policy == Policy()
    pause = timedelta(hours=7)
    stopped = NOW + timedelta(hours=3)
    _, held = promise(
        [Policy()],
        category="a",
        zone_id="x",
        priority="P1",
        created_at=NOW,
        held_seconds=int(pause.total_seconds()),
    )
    assert restarted(due, stopped, stopped + pause) == held


@pytest.mark.parametrize("moment", [due_at, breach_at, warn_at])
def test_a_start_without_a_time_zone_is_refused(moment: object) -> None:
    assert callable(moment)
    with pytest.raises(ValueError, match="must be an aware datetime"):
        moment(Policy(), datetime(2026, 1, 1))
