"""What counts as a problem, from what the processes told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_process.judgement import SILENT_S, Bounds, Expected, Problem, judge

NOW = datetime(2026, 3, 3, 17, tzinfo=UTC)
BOUNDS = Bounds(stuck_s=30, behind_s=60)
NOTHING = Expected()


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def consumer(**overrides: Any) -> dict[str, Any]:
    well = {
        "consumer": "geo",
        "handled": 5,
        "parked": 0,
        "busy_s": None,
        "failing_s": None,
        "error": None,
        "partitions": 6,
        "waiting": 0,
        "behind_s": None,
        "unassigned_s": None,
    }
    return well | overrides


def report(**overrides: Any) -> dict[str, Any]:
    well = {
        "feed": "events",
        "role": "leader",
        "lag_s": 0.0,
        "position_age_s": 1.0,
        "error": None,
    }
    return well | overrides


def process(age_s: float = 1, **overrides: Any) -> dict[str, Any]:
    well = {
        "name": "geo-worker",
        "host": "here",
        "pid": 7,
        "at": ago(age_s),
        "works": ["geo"],
        "consumers": [],
        "relays": [],
        "broker_unreachable_s": None,
    }
    return well | overrides


def lease(expires_in_s: float = 2) -> dict[str, Any]:
    return {"_id": "relay:events", "holder": "somebody", "expires_at": ago(-expires_in_s)}


def judged(
    *rows: dict[str, Any],
    leases: tuple[dict[str, Any], ...] = (),
    expected: Expected = NOTHING,
) -> list[Problem]:
    return judge(rows, leases, NOW, BOUNDS, expected)


def told(problems: list[Problem]) -> list[tuple[str, str, float | None]]:
    return [(problem.part, problem.problem, problem.since_s) for problem in problems]


def test_a_system_that_is_well_has_no_problem() -> None:
    worker = process(consumers=[consumer(busy_s=29.0, failing_s=29.0, error="of late")])
    relay = process(name="relay", works=[], relays=[report(lag_s=59.0)])
    expected = Expected(workers=["geo"], feeds=["events"])
    assert judged(worker, relay, leases=(lease(),), expected=expected) == []


@given(age_s=st.floats(0, 400))
def test_a_process_is_silent_after_ten_seconds(age_s: float) -> None:
    silent = ("process:geo-worker", "silent")
    found = [(part, problem) for part, problem, _ in told(judged(process(age_s)))]
    age = (NOW - ago(age_s)).total_seconds()
    assert found == ([silent] if age > SILENT_S else [])


def test_what_a_silent_process_told_last_is_not_taken_for_now() -> None:
    stuck = consumer(busy_s=500.0, parked=3)
    row = process(20, consumers=[stuck], relays=[report(lag_s=500.0)], broker_unreachable_s=9.0)
    assert told(judged(row)) == [("process:geo-worker", "silent", 20.0)]


@pytest.mark.parametrize(
    ("state", "problem"),
    [
        ({"busy_s": 31.0}, ("consumer:geo", "stuck", 31.0)),
        ({"failing_s": 40.0, "busy_s": 90.0}, ("consumer:geo", "stuck", 40.0)),
        ({"behind_s": 61.0, "waiting": 9000}, ("consumer:geo", "behind", 61.0)),
        ({"unassigned_s": 61.0}, ("consumer:geo", "without partitions", 61.0)),
        ({"parked": 2}, ("consumer:geo", "parked requests", None)),
    ],
)
def test_a_consumer_in_trouble_is_named(
    state: dict[str, Any], problem: tuple[str, str, float | None]
) -> None:
    assert told(judged(process(consumers=[consumer(**state)]))) == [problem]


def test_a_process_too_many_for_the_partitions_is_no_problem() -> None:
    idle, busy = consumer(unassigned_s=900.0, partitions=0), consumer()
    assert judged(process(consumers=[idle]), process(consumers=[busy])) == []


def test_a_parked_request_that_two_processes_count_is_one() -> None:
    rows = [process(consumers=[consumer(parked=2)]) for _ in range(2)]
    [problem] = judged(*rows)
    assert problem.detail.startswith("2 requests")


def test_the_error_of_a_failing_consumer_is_kept_apart_from_the_detail() -> None:
    failing = consumer(failing_s=40.0, error="ValueError: of Jane Doe")
    [problem] = judged(process(consumers=[failing]))
    assert problem.error == "ValueError: of Jane Doe"
    assert "Jane" not in problem.detail


def test_a_broker_that_some_process_misses_is_named_with_all_that_miss_it() -> None:
    rows = [process(name=name, broker_unreachable_s=s) for name, s in [("a", 5.0), ("b", 9.0)]]
    [problem] = judged(*rows, process(name="c", broker_unreachable_s=1.0))
    assert (problem.part, problem.problem, problem.since_s) == ("broker", "unreachable", 9.0)
    assert "a, b;" in problem.detail


def test_a_worker_that_no_process_runs_is_missed() -> None:
    expected = Expected(workers=["geo", "sla"])
    assert told(judged(process(), expected=expected)) == [("worker:sla", "not running", None)]


@pytest.mark.parametrize(
    ("leases", "relay", "problem"),
    [
        ((), {}, ("relay:events", "no leader", None)),
        ((lease(-6),), {"role": "retrying", "lag_s": 900.0}, ("relay:events", "no leader", 6.0)),
        ((lease(),), {"lag_s": 61.0}, ("relay:events", "behind", 61.0)),
        ((lease(),), {"position_age_s": 70.0}, ("relay:events", "stuck", 70.0)),
    ],
)
def test_a_feed_that_nobody_sends_in_time_is_named(
    leases: tuple[dict[str, Any], ...],
    relay: dict[str, Any],
    problem: tuple[str, str, float | None],
) -> None:
    row = process(relays=[report(**relay)])
    assert told(judged(row, leases=leases, expected=Expected(feeds=["events"]))) == [problem]


def test_a_takeover_is_no_problem() -> None:
    assert judged(process(), leases=(lease(-4),), expected=Expected(feeds=["events"])) == []


def test_a_standby_that_does_not_move_is_no_problem() -> None:
    standby = report(role="standby", position_age_s=900.0)
    row = process(relays=[standby])
    assert judged(row, leases=(lease(),), expected=Expected(feeds=["events"])) == []


def test_webhooks_that_were_given_up_are_named_by_role() -> None:
    (found,) = judge([], [], NOW, BOUNDS, NOTHING, {"on_call": 3})
    assert (found.part, found.problem) == ("webhook:on_call", "given up")
    assert "3 notices" in found.detail
