"""Classes of values for a map's legend."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Classes:
    """Classes from low to high: ``starts`` are their lowest values, ``top`` the highest of all."""

    starts: tuple[float, ...]
    top: float

    def number(self, value: float) -> int:
        """Return the class of a value, from 0."""
        return max(0, bisect_right(self.starts, value) - 1)

    def labels(self) -> list[str]:
        """Return what a legend says of each class."""
        ends = (*self.starts[1:], None)
        return [self._label(*pair) for pair in zip(self.starts, ends, strict=True)]

    def _label(self, start: float, end: float | None) -> str:
        if end is None:
            return short(start) if start == self.top else f"{short(start)} to {short(self.top)}"
        whole = all(float(value).is_integer() for value in (*self.starts, self.top))
        if not whole:
            return f"{short(start)} to under {short(end)}"
        return short(start) if end - start == 1 else f"{short(start)} to {short(end - 1)}"


def classes_of(values: Sequence[float], most: int) -> Classes:
    """Return at most ``most`` classes that hold about as many of the ``values`` each.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values, no classes")
    ordered = sorted(values)
    starts = {ordered[len(ordered) * number // most] for number in range(most)}
    return Classes(tuple(sorted(starts)), ordered[-1])


def short(value: float) -> str:
    """Return a number as a legend shows it, in three digits or so."""
    if value >= 1_000_000:
        return f"{value / 1_000_000:.3g}M"
    if value >= 10_000:
        return f"{value / 1_000:.3g}k"
    return f"{value:,.0f}" if float(value).is_integer() or value >= 100 else f"{value:.3g}"
