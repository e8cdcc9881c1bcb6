"""When a rebuild is due, and from when; what the checkpoint says meanwhile."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cst_relay.checkpoint import Checkpoint, Rebuild
from cst_relay.domain.records import Position
from cst_relay.orders import Order
from cst_relay.rebuild import Broker, Plan, begin, plan_rebuild, with_order

OVERLAP = timedelta(minutes=5)
T = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
TOKEN = {"_data": "82"}
GOOD = Checkpoint("k1", TOKEN, at=T, acked_through=T, offsets={0: 10, 3: 4}, sent=14)
BROKER = Broker("k1", {0: 12, 1: 0, 3: 5})


def test_nothing_is_due_where_all_is_well() -> None:
    assert plan_rebuild(GOOD, BROKER, None, OVERLAP) is None


def test_a_first_start_sends_everything_and_lost_nothing() -> None:
    plan = plan_rebuild(None, BROKER, None, OVERLAP)
    assert plan is not None
    assert (plan.since, plan.lost) == (None, False)


@pytest.mark.parametrize(
    "broker",
    [
        Broker("k2", {0: 12, 3: 5}),
        Broker("k1", {0: 0, 3: 0}),
        Broker("k1", {}),
        Broker("k1", {0: 12, 3: 4}),
    ],
)
def test_a_broker_that_forgot_gets_everything(broker: Broker) -> None:
    plan = plan_rebuild(GOOD, broker, None, OVERLAP)
    assert plan is not None
    assert (plan.since, plan.lost) == (None, True)


def test_lost_history_is_read_from_the_last_acknowledged_time_with_overlap() -> None:
    plan = plan_rebuild(GOOD, BROKER, "code 286", OVERLAP)
    assert plan is not None
    assert (plan.since, plan.reason, plan.lost) == (T - OVERLAP, "code 286", True)


def test_without_an_acknowledged_time_everything_is_sent() -> None:
    plan = plan_rebuild(replace(GOOD, acked_through=None), BROKER, "code 286", OVERLAP)
    assert plan is not None
    assert plan.since is None


def test_an_interrupted_rebuild_is_done_again() -> None:
    since = T - OVERLAP
    running = replace(GOOD, rebuild=Rebuild(since, "code 286", T))
    plan = plan_rebuild(running, BROKER, None, OVERLAP)
    assert plan is not None
    assert (plan.since, plan.lost) == (since, False)


def test_a_broker_that_forgot_meanwhile_wins_over_an_interrupted_rebuild() -> None:
    running = replace(GOOD, rebuild=Rebuild(T, "code 286", T))
    plan = plan_rebuild(running, Broker("k2", {}), None, OVERLAP)
    assert plan is not None
    assert plan.since is None


def test_a_rebuild_is_marked_until_its_end() -> None:
    plan = plan_rebuild(GOOD, Broker("k2", {}), None, OVERLAP)
    assert plan is not None
    running = begin(GOOD, Broker("k2", {}), plan)
    assert running.rebuild is not None
    assert (running.cluster_id, running.token, running.offsets) == ("k2", None, {})
    under_way = running.acknowledged(None, {0: 3}, 4)
    assert under_way.rebuild is not None
    assert under_way.acked_through is None
    ended = under_way.acknowledged(Position(TOKEN, None, T, rebuilt=True), {}, 0)
    assert (ended.rebuild, ended.token, ended.acked_through) == (None, TOKEN, T)
    assert (ended.offsets, ended.sent) == ({0: 3}, GOOD.sent + 4)


def test_acknowledged_time_never_goes_back() -> None:
    later = GOOD.acknowledged(Position(TOKEN, T, T - OVERLAP), {}, 1)
    assert later.acked_through == T
    assert GOOD.acknowledged(Position(TOKEN), {}, 0).acked_through == T


def test_a_rebuild_asked_for_covers_what_the_stream_had_not_brought() -> None:
    order = Order(T, T)
    plan = with_order(None, order, GOOD, OVERLAP)
    assert (plan.since, plan.lost) == (T - OVERLAP, False)
    long_ago = T - 10 * OVERLAP
    assert with_order(None, Order(long_ago, T), GOOD, OVERLAP).since == long_ago
    assert with_order(None, Order(None, T), GOOD, OVERLAP).since is None
    assert with_order(None, order, None, OVERLAP).since is None
    due = Plan(None, "the broker is another one", lost=True)
    assert with_order(due, order, GOOD, OVERLAP) == Plan(None, due.reason, lost=False)
