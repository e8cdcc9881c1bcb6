"""Durations in logarithmic buckets, so that medians can be had from sums that events move.

A bucket is about 5 % wide: a median made of buckets is that close to the exact one, at any length.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate

RATIO = 1.05
#: The last bucket holds what took longer than this, in minutes: a hundred years.
LONGEST = 100 * 366 * 24 * 60.0
_COUNT = math.ceil(math.log(LONGEST, RATIO))
#: Where each bucket begins, in minutes; the first holds what took less than a minute.
_STARTS = [0.0, *accumulate([1.0] + [RATIO] * _COUNT, lambda start, ratio: start * ratio)]


def bucket_of(minutes: float) -> int:
    """Return the bucket of a duration in minutes; one below zero is in the first."""
    return max(0, bisect_right(_STARTS, minutes) - 1)


def bounds(bucket: int) -> tuple[float, float]:
    """Return where a bucket begins and where the next one does, in minutes.

    Raises:
        IndexError: there is no such bucket.
    """
    if not 0 <= bucket < len(_STARTS):
        raise IndexError(f"no bucket {bucket}, only 0 to {len(_STARTS) - 1}")
    last = bucket == len(_STARTS) - 1
    return _STARTS[bucket], math.inf if last else _STARTS[bucket + 1]


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the minutes that ``share`` of the durations stay within, None where there are none.

    Within a bucket durations are taken to lie evenly; the last one answers with its beginning.

    Args:
        counts: durations by bucket; what is zero counts for nothing.
        share: from 0 to 1, 0.5 for the median.
    """
    total = sum(counts.values())
    if total <= 0:
        return None
    rank, below = share * total, 0
    for bucket, count in sorted((b, n) for b, n in counts.items() if n > 0):
        if below + count >= rank:
            start, end = bounds(bucket)
            return start if end == math.inf else start + (end - start) * (rank - below) / count
        below += count
    return None
