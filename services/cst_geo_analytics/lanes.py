"""Lanes of sums: which worker's events a sum is made of.

Two transactions that write the same document cannot both commit: one begins anew. A day's reports
share few sums, so two workers that catch up would do little else. But each request's events come in
one partition, and each partition to one worker: sums kept apart by partition are never met by two.
Readers add the lanes up. With another count of partitions nothing is wrong, only slower.
"""

from __future__ import annotations

from functools import lru_cache

from aiokafka.partitioner import murmur2

from cst_contracts.topics import REQUEST_EVENTS


@lru_cache(100_000)
def lane_of(request_id: str) -> int:
    """Return the partition that a request's events come in, as every Kafka producer has it."""
    return int(murmur2(request_id.encode()) & 0x7FFFFFFF) % REQUEST_EVENTS.partitions
