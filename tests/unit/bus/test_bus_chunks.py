"""How a batch is divided: nothing lost, each request in order, no larger than conflicts allow."""

from __future__ import annotations

import random
from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from cst_bus.chunks import LEAST, Chunks, Near, Part
from cst_contracts.events import RequestEvent
from cst_testkit.consumers import story
from cst_testkit.records import Record, consumer_record

WANTED = frozenset({"created", "triaged", "assigned"})
STORIES = {name: story(name) for name in (f"CST-2026-{n:04}" for n in range(12))}


def last_digit(event: RequestEvent) -> str:
    """A place: by the last digit of the request's number."""
    return event.subject[-1]


async def divided(chunks: Chunks, records: list[Record]) -> list[Part]:
    return [part async for part in chunks.of(records)]


def seqs_of(parts: list[Part]) -> dict[str, list[int]]:
    found = defaultdict(list)
    for part in parts:
        for item in part.items:
            found[item.event.subject].append(item.event.seq)
    return found


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    chunk=st.integers(1, 40),
    near=st.sampled_from([None, last_digit]),
)
async def test_nothing_is_lost_and_each_request_stays_in_order(
    seed: int, chunk: int, near: Near | None
) -> None:
    chance = random.Random(seed)
    left = {name: list(records) for name, records in STORIES.items()}
    records: list[Record] = []
    while left:
        name = chance.choice(sorted(left))
        records.append(left[name].pop(0))
        if not left[name]:
            del left[name]
    parts = await divided(Chunks(WANTED, chunk, near), records)
    assert seqs_of(parts) == {name: [0, 1, 2] for name in STORIES}
    assert all(len(part.items) <= chunk for part in parts)


async def test_a_chunk_by_place_holds_neighbours() -> None:
    records = [record for n in range(12) for record in STORIES[f"CST-2026-{n:04}"]]
    parts = await divided(Chunks(WANTED, 36, last_digit), records)
    (part,) = (part for part in parts if part.items)
    places = [last_digit(item.event) for item in part.items]
    runs = sum(one != other for one, other in zip(places, places[1:] + places[:1], strict=True))
    assert runs == 10, "each of the ten places comes once, wherever it begins"


async def test_what_is_refused_comes_after_what_came_before_it() -> None:
    one, other = STORIES["CST-2026-0001"], STORIES["CST-2026-0002"]
    broken = consumer_record(b"CST-2026-0001", b"{")
    parts = await divided(Chunks(WANTED, 100, last_digit), [*one, broken, *other])
    assert [(len(part.items), part.refused is not None) for part in parts] == [
        (3, True),
        (3, False),
    ]
    assert parts[0].refused is not None
    assert parts[0].refused[0] is broken


async def test_chunks_shrink_by_conflicts_and_grow_again() -> None:
    records = [record for records in STORIES.values() for record in records] * 4

    async def largest() -> int:
        return max(len(part.items) for part in await divided(chunks, records))

    chunks = Chunks(WANTED, 100, None)
    assert await largest() == 100
    for _ in range(5):
        chunks.adapt(begun_anew=True)
    assert await largest() == LEAST
    for _ in range(60):
        chunks.adapt(begun_anew=False)
    assert await largest() == 100


async def test_a_chunk_that_is_small_by_itself_stays_so() -> None:
    chunks = Chunks(WANTED, 5, None)
    chunks.adapt(begun_anew=True)
    parts = await divided(chunks, STORIES["CST-2026-0001"] + STORIES["CST-2026-0002"])
    assert max(len(part.items) for part in parts) == 5
