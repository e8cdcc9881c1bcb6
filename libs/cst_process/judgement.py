"""What is wrong with the system, judged by what its processes told. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Row = Mapping[str, Any]

#: A process that has not told anything for so long is silent; five heartbeats.
SILENT_S = 10.0
#: A feed may be without a leader for so long: a successor takes over within this time.
LEADERLESS_S = 5.0
#: One look at the broker may fail.
BROKER_LOST_S = 3.0


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong now.

    Attributes:
        part: ``database``, ``broker``, or what is concerned, as ``consumer:<name>``.
        problem: what is wrong, in a word or two that programs can rely on.
        since_s: for how many seconds; None where nobody knows.
        detail: a sentence for people.
        error: what the part itself reported; it may quote data and is not for the public.
    """

    part: str
    problem: str
    since_s: float | None
    detail: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """From how many seconds on a consumer is stuck, and a consumer or a relay is behind.

    A consumer that has no partition is behind, too: joining its group may take a while.
    """

    stuck_s: float
    behind_s: float


@dataclass(frozen=True, slots=True)
class Expected:
    """What a whole system has: the names of its workers and of its relay's feeds."""

    workers: Sequence[str] = ()
    feeds: Sequence[str] = ()


def judge(
    processes: Sequence[Row],
    leases: Sequence[Row],
    now: datetime,
    bounds: Bounds,
    expected: Expected,
    given_up: Mapping[str, int] | None = None,
) -> list[Problem]:
    """Return what is wrong, in the order of the parts' names.

    Args:
        processes: the rows of ``process_status``.
        leases: the rows of ``leases``.
        now: the time of the server that stamped both.
        bounds: what counts as too long.
        expected: what has to run.
        given_up: how many webhooks nobody has taken lately, by role.
    """
    fresh = [row for row in processes if _age_s(row, now) <= SILENT_S]
    found = [
        *_silent(processes, now),
        *_missing_workers(processes, expected.workers),
        *_broker(fresh),
        *_consumers(fresh, bounds),
        *_unassigned(fresh, bounds),
        *_parked(fresh),
        *_relays(fresh, leases, now, bounds, expected.feeds),
        *_given_up(given_up or {}),
    ]
    return sorted(found, key=lambda problem: (problem.part, problem.problem))


def _age_s(row: Row, now: datetime) -> float:
    return float((now - row["at"]).total_seconds())


def _silent(processes: Sequence[Row], now: datetime) -> Iterator[Problem]:
    for row in processes:
        if (age_s := _age_s(row, now)) > SILENT_S:
            detail = f"pid {row['pid']} on {row['host']} tells nothing: killed, or it hangs"
            yield Problem(f"process:{row['name']}", "silent", round(age_s, 1), detail)


def _missing_workers(processes: Sequence[Row], workers: Sequence[str]) -> Iterator[Problem]:
    running = {name for row in processes for name in row["works"]}
    for name in workers:
        if name not in running:
            yield Problem(f"worker:{name}", "not running", None, "no process runs this worker")


def _broker(fresh: Sequence[Row]) -> Iterator[Problem]:
    lost = {row["name"]: row["broker_unreachable_s"] or 0.0 for row in fresh}
    lost = {name: since_s for name, since_s in lost.items() if since_s > BROKER_LOST_S}
    if lost:
        names = ", ".join(sorted(lost))
        detail = f"it does not answer {names}; requests are kept and sent when it is back"
        yield Problem("broker", "unreachable", max(lost.values()), detail)


def _consumers(fresh: Sequence[Row], bounds: Bounds) -> Iterator[Problem]:
    for row in fresh:
        for consumer in row["consumers"]:
            part = f"consumer:{consumer['consumer']}"
            failing_s, busy_s = consumer["failing_s"] or 0.0, consumer["busy_s"] or 0.0
            if failing_s > bounds.stuck_s:
                detail = f"its attempts fail in {row['name']}, and it repeats them"
                yield Problem(part, "stuck", failing_s, detail, consumer["error"])
            elif busy_s > bounds.stuck_s:
                detail = f"it does not get through a batch in {row['name']}"
                yield Problem(part, "stuck", busy_s, detail)
            behind_s = consumer["behind_s"] or 0.0
            if behind_s > bounds.behind_s:
                detail = f"{consumer['waiting']} events wait for it in {row['name']}"
                yield Problem(part, "behind", behind_s, detail)


def _unassigned(fresh: Sequence[Row], bounds: Bounds) -> Iterator[Problem]:
    """A process may be one too many for a topic; that none has a partition is a problem."""
    idle: dict[str, list[float]] = {}
    for row in fresh:
        for consumer in row["consumers"]:
            idle.setdefault(consumer["consumer"], []).append(consumer["unassigned_s"] or 0.0)
    for name, since_s in idle.items():
        if min(since_s) > bounds.behind_s:
            detail = "the broker has given it no partition"
            yield Problem(f"consumer:{name}", "without partitions", min(since_s), detail)


def _parked(fresh: Sequence[Row]) -> Iterator[Problem]:
    parked: dict[str, int] = {}
    for row in fresh:
        for consumer in row["consumers"]:
            name = consumer["consumer"]
            parked[name] = max(parked.get(name, 0), consumer["parked"] or 0)
    for name, count in parked.items():
        if count:
            detail = f"{count} requests wait for `cst dlq`: an event of each could not be handled"
            yield Problem(f"consumer:{name}", "parked requests", None, detail)


def _relays(
    fresh: Sequence[Row],
    leases: Sequence[Row],
    now: datetime,
    bounds: Bounds,
    feeds: Sequence[str],
) -> Iterator[Problem]:
    reports = [report for row in fresh for report in row["relays"]]
    held = {row["_id"]: row for row in leases}
    for feed in feeds:
        of_feed = [report for report in reports if report["feed"] == feed]
        leaders = [report for report in of_feed if report["role"] == "leader"]
        yield from _leaderless(feed, held.get(f"relay:{feed}"), of_feed, now)
        for report in leaders:
            yield from _behind(feed, report, bounds)


def _leaderless(
    feed: str, lease: Row | None, reports: Sequence[Row], now: datetime
) -> Iterator[Problem]:
    if lease is None:
        yield Problem(f"relay:{feed}", "no leader", None, "no relay has sent this feed yet")
        return
    since_s = round((now - lease["expires_at"]).total_seconds(), 1)
    if since_s > LEADERLESS_S:
        error = next((report["error"] for report in reports if report["error"]), None)
        detail = "nobody sends this feed; its events wait in the ledger"
        yield Problem(f"relay:{feed}", "no leader", since_s, detail, error)


def _behind(feed: str, report: Row, bounds: Bounds) -> Iterator[Problem]:
    part, error = f"relay:{feed}", report["error"]
    if report["lag_s"] > bounds.behind_s:
        detail = "its events reach the topic so much later"
        yield Problem(part, "behind", report["lag_s"], detail, error)
    elif report["position_age_s"] > bounds.behind_s:
        detail = "its position does not move, not even by itself on a quiet stream"
        yield Problem(part, "stuck", report["position_age_s"], detail, error)


def _given_up(webhooks: Mapping[str, int]) -> Iterator[Problem]:
    for role, count in webhooks.items():
        detail = f"{count} notices of the last day were not taken by its address"
        yield Problem(f"webhook:{role}", "given up", None, detail)
