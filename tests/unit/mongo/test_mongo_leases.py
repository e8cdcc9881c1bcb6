"""Leases: one holder at a time, taken over after they expire, with an epoch that tells."""

from __future__ import annotations

import asyncio
import time

import pytest

from cst_core.errors import Conflict
from cst_mongo.client import Database
from cst_mongo.leases import Lease, Leases, Tenure
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


async def test_a_held_lease_is_renewed_until_the_block_ends(db: Database) -> None:
    leases = Leases(db, ttl_s=0.3)
    async with leases.hold("kept") as tenure:
        ends = tenure.ends
        await wait_until(lambda: tenure.ends > ends, what="a renewal")
        assert await leases.acquire("kept", "other") is None
        tenure.check()
    assert await leases.acquire("kept", "other") is not None


async def test_whoever_waits_for_a_live_holder_is_told_who_it_is(db: Database) -> None:
    long, short = Leases(db, ttl_s=LONG), Leases(db, ttl_s=SHORT)
    lease = await held(long, "taken", "somebody")
    with pytest.raises(Conflict, match="taken: somebody is at it"):
        async with short.hold("taken"):
            pytest.fail("there must be one holder")
    await long.release(lease)


async def test_a_dead_holder_is_waited_for(db: Database) -> None:
    leases = Leases(db, ttl_s=0.3)
    dead = await held(leases, "left", "dead")
    async with leases.hold("left") as tenure:
        assert tenure.lease.epoch == dead.epoch + 1


async def test_a_tenure_that_was_not_renewed_is_over(db: Database) -> None:
    leases = Leases(db, ttl_s=SHORT)
    tenure = Tenure(await held(leases, "over", "a"), ends=time.monotonic() - 0.01)
    with pytest.raises(Conflict, match="lease was lost"):
        tenure.check()
