"""What is growing and what fades: two spans of equal length, told apart by an exact test.

Reports that come independently of each other are Poisson in each span; given how many there are in
both, each lies in the later one with the chance of one half if nothing has changed. So the test is
binomial, two-sided. Many groups are tested at once: Benjamini and Hochberg's procedure holds the
part of false ones among what is called changed below ``FALSE_SHARE``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from scipy.special import bdtr, bdtrc

#: Expected part of false ones among the groups called changed.
FALSE_SHARE = 0.05
#: Groups with fewer reports in both spans together are not tested.
MIN_TOTAL = 10

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Change:
    """A group's reports in the later and the earlier span, and how likely that is by chance."""

    recent: int
    before: int
    probability: float

    @property
    def ratio(self) -> float | None:
        """Recent by before; None where there were none before."""
        return self.recent / self.before if self.before else None


def chance(recent: int, before: int) -> float:
    """Return the probability of a difference this great, either way, if nothing has changed."""
    total = recent + before
    if total == 0:
        return 1.0
    at_most = bdtr(recent, total, 0.5)
    at_least = bdtrc(recent - 1, total, 0.5) if recent else 1.0
    return float(min(1.0, 2 * min(at_most, at_least)))


def changed(spans: Mapping[K, tuple[int, int]]) -> tuple[dict[K, Change], int]:
    """Return the groups that have changed, and how many were tested.

    Args:
        spans: reports by group: (in the later span, in the one before).
    """
    tested = {
        key: Change(recent, before, chance(recent, before))
        for key, (recent, before) in spans.items()
        if recent + before >= MIN_TOTAL
    }
    limit = _limit(sorted(change.probability for change in tested.values()))
    kept = {key: change for key, change in tested.items() if change.probability <= limit}
    return kept, len(tested)


def _limit(ordered: Sequence[float]) -> float:
    """Benjamini and Hochberg's: the greatest p-value at or below its rank's part of the share."""
    passing = [p for rank, p in enumerate(ordered, 1) if p <= FALSE_SHARE * rank / len(ordered)]
    return passing[-1] if passing else -1.0
