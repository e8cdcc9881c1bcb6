"""The ring and its cursors: everything once, at whatever replica, or a reset."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from live_kit import (
    PARTITIONS,
    empty_log,
    events_in,
    hub_of,
    map_event,
    place,
    put,
    removals_in,
    told,
)

from cst_geo_analytics.domain.live import MapEvent, Wanted
from cst_geo_analytics.live.client import Client
from cst_geo_analytics.live.hub import Hub
from cst_geo_analytics.live.log import Log
from cst_geo_analytics.live.ring import Entry
from cst_testkit.streams import Block

PUBLIC, STAFF = Wanted(staff=False), Wanted(staff=True)


def client_of(hub: Hub, resume: str | None = None, wanted: Wanted = PUBLIC) -> Client:
    return Client(hub, wanted, resume, None)


def last_id(found: list[Block]) -> str:
    return next(block.id for block in reversed(found) if block.id is not None)


def test_a_client_begins_at_the_end_and_is_told_what_comes() -> None:
    log = empty_log()
    put(log, Entry(0, 0, map_event(1)))
    client = client_of(hub_of(log))
    [ready] = told(client)
    assert (ready.event, ready.data["resumed"], ready.id) == ("ready", False, f"{'a' * 16}~1.0.0")
    put(log, Entry(1, 0, map_event(2)), Entry(0, 1, map_event(3)))
    [frame] = told(client)
    assert events_in([frame]) == [("CST-2026-0002", 0), ("CST-2026-0003", 0)]
    assert frame.id == f"{'a' * 16}~2.1.0"
    assert told(client) == []


def test_the_position_moves_on_with_heartbeats_also_where_nothing_is_told() -> None:
    log = empty_log()
    hub = hub_of(log)
    client = client_of(hub)
    told(client)
    put(log, Entry(0, 7, map_event(1, exact=False)))
    assert told(client) == []
    hub.beats += 1
    [beat] = told(client)
    assert (beat.event, beat.id) == ("", f"{'a' * 16}~8.0.0")


def test_what_comes_twice_is_told_once() -> None:
    log = empty_log()
    told(client := client_of(hub_of(log)))
    put(log, Entry(0, 0, map_event(1, 0)), Entry(0, 1, map_event(1, 1, "triaged")))
    put(log, Entry(0, 2, map_event(1, 0)), Entry(0, 3, map_event(1, 1, "triaged")))
    put(log, Entry(0, 4, map_event(1, 2, "assigned")))
    assert [seq for _, seq in events_in(told(client))] == [0, 1, 2]


def test_a_position_that_is_not_kept_any_more_is_reset() -> None:
    log = empty_log(capacity=5)
    client = client_of(hub_of(log))
    position = last_id(told(client))
    for offset in range(10):
        put(log, Entry(0, offset, map_event(offset)))
    [reset] = told(client_of(hub_of(log), position))
    assert (reset.event, reset.data["reason"]) == ("reset", "too_old")
    assert reset.data["position"] == reset.id == f"{'a' * 16}~10.0.0"


def test_a_client_that_falls_behind_is_reset_and_goes_on() -> None:
    log = empty_log(capacity=5)
    client = client_of(hub_of(log))
    told(client)
    for offset in range(10):
        put(log, Entry(0, offset, map_event(offset)))
    [reset] = told(client)
    assert (reset.event, reset.data["reason"]) == ("reset", "too_slow")
    put(log, Entry(0, 10, map_event(10)))
    assert events_in(told(client)) == [("CST-2026-0010", 0)]


def test_the_ring_keeps_no_more_than_it_may() -> None:
    log = empty_log(capacity=50)
    for offset in range(1000):
        put(log, Entry(offset % PARTITIONS, offset, map_event(offset % 70, offset)))
        assert log.ring.events <= 50
    assert log.ring.next_number - log.ring.first_number <= 50


def test_garbage_and_other_logs_are_reset() -> None:
    log = empty_log()
    put(log, Entry(0, 0, map_event(1)))
    asked = {
        "": "unknown_position",
        "garbage\0": "unknown_position",
        f"{'b' * 16}~0.0.0": "other_log",
        f"{'a' * 16}~0.0": "other_log",
        f"{'a' * 16}~0.0.{10**17}": "ahead",
    }
    for resume, reason in asked.items():
        [reset] = told(client_of(hub_of(log), resume))
        assert (reset.event, reset.data["reason"]) == ("reset", reason)


def test_what_was_left_out_cannot_be_resumed_over() -> None:
    log = empty_log()
    position = last_id(told(client_of(hub_of(log))))
    put(log, Entry(0, 0, None), Entry(0, 1, map_event(1)))
    [reset] = told(client_of(hub_of(log), position))
    assert reset.data["reason"] == "too_old"
    assert events_in(told(client_of(hub_of(log), f"{'a' * 16}~1.0.0"))) == [("CST-2026-0001", 0)]


def test_another_broker_is_another_log() -> None:
    hub = hub_of(empty_log())
    client = client_of(hub)
    told(client)
    hub.log = None
    hub.reach("away")
    [status] = told(client)
    assert (status.event, status.data) == ("status", {"broker": "away"})
    hub.follow(empty_log(name="b" * 16))
    hub.reach("up")
    status, reset = told(client)
    assert (status.data, reset.data["reason"]) == ({"broker": "up"}, "other_log")


def test_before_the_log_was_read_a_client_waits_and_then_resumes() -> None:
    hub = hub_of(None)
    client = client_of(hub, f"{'a' * 16}~0.0.0")
    [status] = told(client)
    assert status.data == {"broker": "connecting"}
    log = empty_log()
    put(log, Entry(0, 0, map_event(1)))
    hub.follow(log)
    ready, frame = told(client)
    assert ready.data["resumed"]
    assert events_in([frame]) == [("CST-2026-0001", 0)]


def test_what_the_public_may_not_see_any_more_is_not_sent_to_whoever_resumes() -> None:
    log = empty_log()
    position = last_id(told(client_of(hub_of(log))))
    watching = client_of(hub_of(log))
    told(watching)
    put(log, Entry(0, 0, map_event(1, 0)))
    assert events_in(told(watching)) == [("CST-2026-0001", 0)]
    put(log, Entry(0, 1, map_event(1, 1, "visibility_changed", place(), exact=False)))
    assert removals_in(told(watching)) == [("CST-2026-0001", 1)]
    resumed = told(client_of(hub_of(log), position))
    assert events_in(resumed) == []
    assert removals_in(resumed) == [("CST-2026-0001", 1)]
    staff = told(client_of(hub_of(log), position, STAFF))
    assert events_in(staff) == [("CST-2026-0001", 0), ("CST-2026-0001", 1)]


def test_clients_with_the_same_filter_share_what_they_are_sent() -> None:
    log = empty_log()
    clients = [client_of(hub_of(log)) for _ in range(3)]
    for client in clients:
        told(client)
    put(log, Entry(0, 0, map_event(1)))
    first, *others = [client.next() for client in clients]
    assert all(other == first for other in others)
    frame = log.ring.frame(0)
    assert frame is not None
    assert len(frame.encoded) == 1
    for offset in range(1, 20):
        put(log, Entry(0, offset, map_event(1 + offset)))
    assert frame.encoded == {}


class Replica:
    """A process that has read some of each partition, in an order of its own."""

    def __init__(self, records: list[list[MapEvent]], rng: random.Random) -> None:
        self.log: Log = empty_log(capacity=10_000)
        self.hub = hub_of(self.log)
        self._records = records
        self._rng = rng

    def read(self) -> None:
        """Read up to three records."""
        entries, end = list[Entry](), list(self.log.end)
        for _ in range(self._rng.randint(1, 3)):
            left = [p for p in range(PARTITIONS) if end[p] < len(self._records[p])]
            if left:
                partition = self._rng.choice(left)
                offset = end[partition]
                entries.append(Entry(partition, offset, self._records[partition][offset]))
                end[partition] += 1
        put(self.log, *entries)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 40), st.integers(0, 2**32))
def test_whoever_wanders_between_replicas_misses_nothing_and_hears_nothing_twice(
    count: int, seed: int
) -> None:
    rng = random.Random(seed)
    records: list[list[MapEvent]] = [[] for _ in range(PARTITIONS)]
    for number in range(count):
        partition = rng.randrange(PARTITIONS)
        records[partition].append(map_event(number, exact=rng.random() < 0.7))
    replicas = [Replica(records, rng) for _ in range(2)]
    found = told(client := client_of(replicas[0].hub))
    heard: list[tuple[str, int]] = []
    everything = tuple(map(len, records))
    while any(replica.log.end != everything for replica in replicas):
        for replica in replicas:
            if rng.random() < 0.7:
                replica.read()
        if rng.random() < 0.4:  # cut off; what was sent until then has arrived
            client = client_of(rng.choice(replicas).hub, last_id(found))
        news = told(client)
        assert all(block.event != "reset" for block in news)
        heard += events_in(news)
        found += news
    heard += events_in(told(client_of(replicas[1].hub, last_id(found))))
    public = {(e.request_id, e.seq) for part in records for e in part if e.after.exact}
    assert sorted(heard) == sorted(public)
