"""Leases: one holder at a time, taken over after they expire, with an epoch that tells."""

from __future__ import annotations

import asyncio

from cst_mongo.client import Database
from cst_mongo.leases import Lease, Leases
from cst_testkit.waiting import wait_until

LONG, SHORT = 60.0, 0.05


async def held(leases: Leases, name: str, holder: str) -> Lease:
    lease = await leases.acquire(name, holder)
    assert lease is not None
    return lease


async def taken_over(leases: Leases, name: str, holder: str) -> Lease:
    """Acquire as soon as the lease before has expired."""
    lease = await wait_until(lambda: leases.acquire(name, holder), what="the lease to expire")
    assert lease is not None
    return lease


async def test_of_many_that_ask_at_once_one_holds(db: Database, elsewhere: Database) -> None:
    both = [Leases(db, ttl_s=LONG), Leases(elsewhere, ttl_s=LONG)]
    answers = await asyncio.gather(*(both[i % 2].acquire("race", f"p{i}") for i in range(40)))
    winners = [lease for lease in answers if lease is not None]
    assert len(winners) == 1
    assert winners[0].epoch == 1


async def test_the_holder_may_ask_again_within_its_epoch(db: Database) -> None:
    leases = Leases(db, ttl_s=LONG)
    first = await held(leases, "again", "a")
    assert await held(leases, "again", "a") == first
    assert await leases.acquire("again", "b") is None


async def test_an_expired_lease_is_taken_over_with_a_higher_epoch(db: Database) -> None:
    first = await held(Leases(db, ttl_s=SHORT), "expiring", "a")
    second = await taken_over(Leases(db, ttl_s=LONG), "expiring", "b")
    assert second.epoch == first.epoch + 1


async def test_a_holder_that_lost_its_lease_can_neither_renew_nor_release_it(db: Database) -> None:
    lost = await held(Leases(db, ttl_s=SHORT), "lost", "a")
    leases = Leases(db, ttl_s=LONG)
    current = await taken_over(leases, "lost", "b")
    assert not await leases.renew(lost)
    await leases.release(lost)
    assert await leases.renew(current)
    assert await leases.acquire("lost", "c") is None


async def test_an_old_epoch_of_the_same_holder_is_refused_too(db: Database) -> None:
    leases = Leases(db, ttl_s=LONG)
    before = await held(leases, "same", "a")
    await leases.release(before)
    now = await held(leases, "same", "a")
    assert now.epoch > before.epoch
    assert not await leases.renew(before)


async def test_a_renewed_lease_does_not_expire(db: Database) -> None:
    short = Leases(db, ttl_s=SHORT)
    lease = await held(short, "renewed", "a")
    assert await Leases(db, ttl_s=LONG).renew(lease)
    probe = await held(short, "probe", "x")  # expires no earlier than the first would have
    await taken_over(short, "probe", "y")
    assert probe.epoch == 1
    assert await short.acquire("renewed", "b") is None


async def test_a_released_lease_is_free_at_once(db: Database) -> None:
    leases = Leases(db, ttl_s=LONG)
    first = await held(leases, "released", "a")
    await leases.release(first)
    assert (await held(leases, "released", "b")).epoch == first.epoch + 1


async def test_the_epoch_grows_at_every_change_of_holder(db: Database) -> None:
    leases = Leases(db, ttl_s=LONG)
    epochs = []
    for holder in "abcab":
        lease = await held(leases, "passed on", holder)
        epochs.append(lease.epoch)
        await leases.release(lease)
    assert epochs == [1, 2, 3, 4, 5]
