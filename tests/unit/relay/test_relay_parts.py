"""Small parts: the queue's bounds, waits, what passes and what does not, health."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError
from pymongo.errors import AutoReconnect, ConfigurationError, OperationFailure

from cst_core.clock import wall_now
from cst_core.errors import ConfigError
from cst_core.settings import load_settings
from cst_relay.domain.records import Entry, Position, Record
from cst_relay.errors import BrokerForgot, HistoryLost, is_history_lost, is_passing, refusal
from cst_relay.health import health_app
from cst_relay.metrics import Instruments, RelayMetrics
from cst_relay.queue import EntryQueue
from cst_relay.relay import LONGEST_WAIT_S, Backoff
from cst_relay.settings import RelaySettings

RECORD = Entry(Record(b"k", b"v" * 100, []))


async def test_the_queue_is_bounded_by_count() -> None:
    queue = EntryQueue(max_entries=2, max_bytes=1 << 20)
    queue.append(RECORD)
    assert not queue.full
    queue.append(RECORD)
    assert queue.full
    waiting = asyncio.create_task(queue.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.pop()
    await waiting


def test_the_queue_is_bounded_by_bytes() -> None:
    queue = EntryQueue(max_entries=100, max_bytes=150)
    queue.append(RECORD)
    assert not queue.full
    queue.append(RECORD)
    assert queue.full
    queue.pop()
    assert not queue.full
    assert len(queue) == 1


async def test_a_closed_queue_is_emptied_first() -> None:
    queue = EntryQueue(max_entries=2, max_bytes=100)
    waiting = asyncio.create_task(queue.wait())
    await asyncio.sleep(0)
    queue.append(RECORD)
    assert await waiting
    queue.close()
    assert await queue.wait()
    queue.pop()
    assert not await queue.wait()
    assert queue.first() is None


def test_waits_double_up_to_the_longest_and_start_over() -> None:
    backoff = Backoff()
    waits = [backoff.next() for _ in range(12)]
    assert 0.25 <= waits[0] <= 0.5
    assert all(LONGEST_WAIT_S / 2 <= wait <= LONGEST_WAIT_S for wait in waits[-3:])
    backoff.reset()
    assert backoff.next() <= 0.5


@pytest.mark.parametrize(
    "error",
    [
        OperationFailure("no", 13),
        OperationFailure("no", 18),
        ConfigurationError("bad uri"),
        TopicAuthorizationFailedError("t"),
        ConfigError("topic"),
        HistoryLost("policy"),
    ],
)
def test_what_trying_again_cannot_mend_has_one_line(error: Exception) -> None:
    reason = refusal(error)
    assert reason
    assert "\n" not in reason
    assert not is_passing(error)


@pytest.mark.parametrize(
    "error",
    [
        AutoReconnect("away"),
        OperationFailure("lost", 286),
        KafkaConnectionError("away"),
        BrokerForgot("x"),
        TimeoutError(),
        ConnectionRefusedError(),
    ],
)
def test_what_may_pass_is_tried_again(error: Exception) -> None:
    assert refusal(error) is None
    assert is_passing(error)


def test_a_mistake_in_the_program_is_neither() -> None:
    assert refusal(TypeError("bug")) is None
    assert not is_passing(TypeError("bug"))


@pytest.mark.parametrize(("code", "lost"), [(260, True), (280, True), (286, True), (43, False)])
def test_lost_history_has_its_codes(code: int, lost: bool) -> None:
    assert is_history_lost(OperationFailure("x", code)) is lost


def test_settings_refuse_what_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CST_RELAY_ON_HISTORY_LOST", "forget")
    with pytest.raises(ConfigError, match="CST_RELAY_ON_HISTORY_LOST"):
        load_settings(RelaySettings)


INSTRUMENTS = Instruments()


def client(*feeds: RelayMetrics, unhealthy_after_s: float = 60) -> httpx.AsyncClient:
    app = health_app(feeds, INSTRUMENTS.registry, unhealthy_after_s)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://relay")


async def test_health_follows_the_position() -> None:
    metrics = RelayMetrics("moving", INSTRUMENTS)
    async with client(metrics) as good, client(metrics, unhealthy_after_s=-1) as stuck:
        assert (await good.get("/readyz")).status_code == 503
        metrics.role = "leader"
        assert (await good.get("/readyz")).status_code == 200
        assert (await good.get("/healthz")).json()["status"] == "ok"
        assert (await stuck.get("/healthz")).status_code == 503
        metrics.role = "standby"
        answer = await stuck.get("/healthz")
    assert (answer.status_code, answer.json()["feeds"][0]["role"]) == (200, "standby")


async def test_a_relay_is_ready_when_each_of_its_feeds_is() -> None:
    leading, starting = RelayMetrics("leading", INSTRUMENTS), RelayMetrics("starting", INSTRUMENTS)
    leading.role = "leader"
    async with client(leading, starting) as both, client(leading) as one:
        assert (await both.get("/readyz")).status_code == 503
        assert (await one.get("/readyz")).status_code == 200


def test_a_relay_that_cannot_read_does_not_claim_to_be_up_to_date() -> None:
    metrics = RelayMetrics("test")
    metrics.role, metrics.error = "retrying", "KafkaConnectionError: gone"
    metrics._moved -= 60
    assert metrics.lag_s() >= 60
    assert metrics.report()["error"] == "KafkaConnectionError: gone"
    metrics.role = "leader"
    metrics.acknowledged(Position({}), 0, 0)
    assert (metrics.lag_s(), metrics.report()["error"]) == (0, None)


async def test_lag_is_the_age_of_the_last_event_until_the_stream_is_quiet() -> None:
    metrics = RelayMetrics("test", INSTRUMENTS)
    metrics.role = "leader"
    assert metrics.lag_s() == 0
    metrics.read()
    metrics.acknowledged(Position({}, wall_now() - timedelta(seconds=60)), 1, 0)
    assert 59 < metrics.lag_s() < 62
    metrics.acknowledged(Position({}), 0, 0)
    assert metrics.lag_s() == 0
    async with client(metrics) as prometheus:
        text = (await prometheus.get("/metrics")).text
    assert 'cst_relay_sent_total{feed="test"} 1.0' in text
    assert "cst_relay_last_event_age_seconds" in text
