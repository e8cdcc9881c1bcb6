"""The plan follows from the seed alone, and what is called malformed cannot be read."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cst_contracts.events import RequestEvent
from cst_testkit.faults.garbage import malformed
from cst_testkit.faults.plan import (
    BROKER,
    DATABASE,
    NETWORK,
    PROCESS,
    RECORDS,
    SECONDS,
    Fault,
    make_plan,
)

ALL = PROCESS | DATABASE | BROKER | NETWORK | RECORDS
NAMES, LINKS = ["api-1", "relay-1"], ["mongo", "kafka"]


def plan(seed: int, count: int) -> list[Fault]:
    return make_plan(seed, count, ALL, processes=NAMES, links=LINKS)


@given(st.integers(0, 2**32), st.integers(0, 200))
def test_one_seed_is_one_plan_of_the_length_asked_for(seed: int, count: int) -> None:
    made = plan(seed, count)
    assert made == plan(seed, count)
    assert [fault.number for fault in made] == list(range(1, count + 1))


@given(st.integers(0, 2**32))
def test_every_kind_occurs_on_a_target_of_its_own_for_a_time_of_its_own(seed: int) -> None:
    made = plan(seed, 60)
    assert {fault.kind for fault in made} == set(ALL)
    for fault in made:
        low, high = SECONDS.get(fault.kind, (0.0, 0.0))
        assert low <= fault.seconds <= high
        assert (fault.target in NAMES) == (fault.kind in PROCESS)
        assert (fault.target in LINKS) == (fault.kind in NETWORK)


def test_other_seeds_are_other_plans() -> None:
    assert len({str(plan(seed, 30)) for seed in range(20)}) == 20


@given(st.integers(0, 2**32))
def test_no_consumer_can_read_a_malformed_record(seed: int) -> None:
    _, body = malformed(random.Random(seed))
    with pytest.raises(ValidationError):
        RequestEvent.model_validate_json(body or b"")
