"""A surge: far more reports of a category on one day than its own history leads to expect.

**Expected** is the mean of the history's days, those without reports among them. A day above the
fence counts as the fence only, since an earlier surge must not hide the next one; the fence is the
greatest of Q3 + 3 (Q3 - Q1), of what one day in twenty exceeds, and of ``LEAST_FENCE``. The chance
of so many reports is the tail of the negative binomial with that mean and the history's own
variance (Poisson where it is not above the mean), so what always comes in lumps has to come in a
greater one. A surge has to be that unlikely, that many times the expected, and no small count.

**What crews typed in is none.** Work that was done during a week and entered in one morning looks
like a surge and says nothing about the day. It shows by its source, and by its spread in time. So
the reports that staff's sources brought are taken out; so are those without any source where
nearly all of the day came within one hour, as a file does. What is left has to be a surge by itself
against its own history, and is one also where crews type in so much every day that the sum does not
stand out. A burst main brings its calls in one hour, too: from citizens, that is a
surge.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from scipy.special import betainc, gammainc

#: The source of what crews enter through the API, in every city (`CreateRequest.channel`).
CREW = "crew"
UNSAID = "unknown"

MIN_COUNT = 5
MIN_RATIO = 3.0
MAX_PROBABILITY = 1e-5
#: With fewer days of history nothing is judged.
MIN_HISTORY = 14
#: Part of a day's reports within one local hour from which they came in one go.
ONE_HOUR_SHARE = 0.9
LEAST_FENCE = 3.0
#: Smaller chances are given as this one.
_LEAST_CHANCE = 1e-300

Reason = Literal["staff_entries", "one_hour"]


@dataclass
class Day:
    """Reports of a group on the judged day: how many, by which source, in which local hour."""

    count: int = 0
    sources: dict[str, int] = field(default_factory=dict)
    hours: dict[int, int] = field(default_factory=dict)

    def add(self, count: int, sources: Mapping[str, int], hours: Mapping[str, int]) -> None:
        """Add sums of ``geo_days``; their hours are text."""
        self.count += count
        for source, n in sources.items():
            self.sources[source] = self.sources.get(source, 0) + n
        for hour, n in hours.items():
            self.hours[int(hour)] = self.hours.get(int(hour), 0) + n

    def by(self, staff: frozenset[str]) -> int:
        """Return how many staff's sources brought."""
        return sum(n for source, n in self.sources.items() if source in staff)

    @property
    def peak(self) -> tuple[int | None, int]:
        """The local hour with the most reports (the first of them), and how many it has."""
        if not self.hours:
            return None, 0
        hour = min(self.hours, key=lambda h: (-self.hours[h], h))
        return hour, self.hours[hour]

    @property
    def in_one_go(self) -> bool:
        """Whether nearly all came within one local hour."""
        return self.count > 0 and self.peak[1] >= ONE_HOUR_SHARE * self.count


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a history's days lead to expect of one more."""

    days: int
    median: float
    mean: float
    most: int
    expected: float
    spread: float

    def chance(self, count: int) -> float:
        """Return the probability of ``count`` reports or more on one day."""
        if count <= 0:
            return 1.0
        variance = self.spread**2
        if variance <= self.expected * (1 + 1e-9):
            tail = gammainc(count, self.expected)
        else:
            size = self.expected**2 / (variance - self.expected)
            tail = betainc(count, size, self.expected / (self.expected + size))
        return max(float(tail), _LEAST_CHANCE)


def baseline(history: Sequence[int]) -> Baseline:
    """Return what a history leads to expect.

    Args:
        history: reports per day, at least two days.
    """
    parts = statistics.quantiles(history, n=20, method="inclusive")
    quarter, three_quarters, most_days = parts[4], parts[14], parts[18]
    fence = max(three_quarters + 3 * (three_quarters - quarter), most_days, LEAST_FENCE)
    capped = [min(float(count), fence) for count in history]
    # Half a report more than there were: what has never been seen is not impossible.
    expected = (sum(capped) + 0.5) / len(capped)
    return Baseline(
        days=len(history),
        median=statistics.median(history),
        mean=sum(history) / len(history),
        most=max(history),
        expected=expected,
        spread=max(statistics.variance(capped), expected) ** 0.5,
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """A count against its baseline."""

    count: int
    baseline: Baseline
    probability: float

    @property
    def ratio(self) -> float:
        return self.count / self.baseline.expected

    @property
    def z(self) -> float:
        """How many standard deviations the count lies above what is expected."""
        return (self.count - self.baseline.expected) / self.baseline.spread

    @property
    def stands_out(self) -> bool:
        """Whether all of the rule holds."""
        return (
            self.count >= MIN_COUNT
            and self.ratio >= MIN_RATIO
            and self.probability <= MAX_PROBABILITY
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """A day that stands out: all its reports, those typed in, and what is left without these.

    It is a surge where the rest stands out, else ``reasons`` say why it is none.
    """

    whole: Judged
    rest: Judged
    typed_in: int
    reasons: tuple[Reason, ...]

    @property
    def is_surge(self) -> bool:
        return not self.reasons


def judged(count: int, history: Sequence[int]) -> Judged:
    """Return a count against its history."""
    found = baseline(history)
    return Judged(count, found, found.chance(count))


def judge(day: Day, history: Sequence[tuple[int, int]], staff: frozenset[str]) -> Verdict | None:
    """Judge a day; None where it does not stand out.

    Args:
        day: the day's reports.
        history: of each day before it, those without reports among them: (reports, those of them
            that staff's sources brought).
        staff: staff's sources.
    """
    if len(history) < MIN_HISTORY:
        return None
    whole = judged(day.count, [count for count, _ in history])
    entered = day.by(staff)
    unsaid = day.sources.get(UNSAID, 0) if day.in_one_go else 0
    rest = judged(day.count - entered - unsaid, [count - by for count, by in history])
    if not (whole.stands_out or rest.stands_out):
        return None
    is_surge = rest.stands_out or entered + unsaid == 0
    reasons: list[Reason] = ["staff_entries"] if entered else []
    reasons += ["one_hour"] if day.in_one_go else []
    return Verdict(whole, rest, entered + unsaid, () if is_surge else tuple(reasons))
