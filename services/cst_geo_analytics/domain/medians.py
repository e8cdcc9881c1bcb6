"""Medians of bucketed durations, with how far they can be trusted.

The interval is distribution-free: of n values in order, the true median lies between the l-th from
below and the l-th from above with at least the stated confidence, whatever the values are spread
like, since each value lies below it with the chance of one half.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

from scipy.special import bdtr

from cst_geo_analytics.domain.buckets import bounds

CONFIDENCE = 0.95
#: Below this count there is no median: few values say nothing about the next ones.
FEW = 10

#: Durations by bucket (`buckets.bucket_of`).
Counts = Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Median:
    """A median in minutes with its interval; all three None where ``few``."""

    count: int
    few: bool
    minutes: float | None
    low: float | None
    high: float | None


def median_of(counts: Counts) -> Median:
    """Return the median (within the 5 % that a bucket is wide) and its confidence interval."""
    kept = {bucket: count for bucket, count in counts.items() if count > 0}
    total = sum(kept.values())
    if total < FEW:
        return Median(total, True, None, None, None)
    lower, upper = median_ranks(total)
    return Median(
        count=total,
        few=False,
        minutes=median_minutes(kept),
        low=bounds(_bucket_at(kept, lower))[0],
        # The last bucket has no end; where it begins is a hundred years on.
        high=_end(_bucket_at(kept, upper)),
    )


def median_minutes(counts: Counts) -> float | None:
    """Return the median in minutes, the mean of the two middle values of an even count.

    Within a bucket values are taken to lie evenly, so each is less than 5 % off; None of none.
    """
    kept = {bucket: count for bucket, count in counts.items() if count > 0}
    total = sum(kept.values())
    if total == 0:
        return None
    middle = {(total + 1) // 2, total // 2 + 1}
    return sum(_minutes_at(kept, rank) for rank in middle) / len(middle)


def median_ranks(count: int) -> tuple[int, int]:
    """Return the ranks, from 1, of the values between which the true median lies.

    Args:
        count: how many values there are, 6 or more.

    Raises:
        ValueError: fewer values, of which no two hold it with that confidence.
    """
    tail = (1 - CONFIDENCE) / 2
    if bdtr(0, count, 0.5) > tail:
        raise ValueError(f"{count} values say nothing with a confidence of {CONFIDENCE:.0%}")
    # The greatest l with P(Binomial(count, 1/2) < l) <= tail, by bisection.
    low, high = 1, count // 2 + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if bdtr(middle - 1, count, 0.5) <= tail else (low, middle)
    return low, count + 1 - low


def _minutes_at(counts: Counts, rank: int) -> float:
    """About what the value at ``rank``, from 1, is."""
    bucket = _bucket_at(counts, rank)
    below = sum(count for other, count in counts.items() if other < bucket)
    start, end = bounds(bucket)[0], _end(bucket)
    return start + (end - start) * (rank - below - 0.5) / counts[bucket]


def _bucket_at(counts: Counts, rank: int) -> int:
    """The bucket of the value at ``rank``, from 1."""
    buckets = sorted(counts)
    sums = accumulate(counts[bucket] for bucket in buckets)
    return next(bucket for bucket, upto in zip(buckets, sums, strict=True) if upto >= rank)


def _end(bucket: int) -> float:
    start, end = bounds(bucket)
    return start if end == float("inf") else end
