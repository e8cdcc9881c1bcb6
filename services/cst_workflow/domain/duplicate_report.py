"""What history says of a category: are reports that look alike one job or two?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from cst_workflow.domain.duplicates import Group, Report

#: A later report that stayed open this long after the earlier one had ended was a job of its own.
APART = timedelta(days=1)
#: Up to this share of such pairs, or this few pairs at all, linking by rule is advised.
MAX_SHARE = 0.05
FEW_PAIRS = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of a category; ``separate`` counts the pairs that were jobs of their own."""

    groups: int
    pairs: int
    separate: int

    @property
    def share(self) -> float:
        return self.separate / self.pairs if self.pairs else 0.0

    @property
    def advised(self) -> Literal["auto", "suggest"]:
        return "auto" if self.share <= MAX_SHARE or self.pairs <= FEW_PAIRS else "suggest"


def were_separate(earlier: Report, later: Report, now: datetime) -> bool:
    """Tell whether the later report stayed open long after the earlier one had ended."""
    if earlier.ended_at is None:
        return False
    return (later.ended_at or now) - earlier.ended_at > APART


def judge(groups: Sequence[Group], now: datetime) -> Finding:
    """Judge what was found of a category; ``now`` ends what is still open."""
    pairs = [(group.master, later) for group in groups for later in group.duplicates]
    separate = sum(were_separate(earlier, later, now) for earlier, later in pairs)
    return Finding(len(groups), len(pairs), separate)
