"""When a city reports: two peaks on a working day, a later and lower hump at the weekend."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

Shape = Literal["day", "evening", "night", "always"]

#: Share of the peak at each full hour of the day, local time; between them a straight line.
_WORKDAY = (
    *(0.10, 0.07, 0.05, 0.05, 0.06, 0.12, 0.28, 0.55, 0.85, 1.00, 0.95, 0.84),
    *(0.74, 0.70, 0.72, 0.78, 0.88, 0.95, 0.90, 0.74, 0.56, 0.40, 0.27, 0.16),
)
_WEEKEND = (
    *(0.16, 0.12, 0.09, 0.06, 0.05, 0.07, 0.12, 0.22, 0.36, 0.48, 0.56, 0.60),
    *(0.60, 0.57, 0.54, 0.53, 0.54, 0.57, 0.58, 0.54, 0.46, 0.38, 0.30, 0.22),
)
#: How a category's share of the mix changes with the hour: from, to (exclusive), factor.
_TILTS: dict[Shape, tuple[tuple[int, int, float], ...]] = {
    "day": ((0, 6, 0.3), (6, 20, 1.0), (20, 24, 0.5)),
    "evening": ((0, 6, 1.0), (6, 17, 0.6), (17, 24, 2.0)),
    "night": ((0, 5, 8.0), (5, 18, 0.35), (18, 22, 2.0), (22, 24, 6.0)),
    "always": ((0, 24, 1.0),),
}


def activity(local: datetime) -> float:
    """Return how busy the city is at a local time, as a share of its peak (0 to 1)."""
    hour = local.hour + local.minute / 60
    left = int(hour)
    today, tomorrow = _curve(local.weekday()), _curve((local.weekday() + 1) % 7)
    right = today[left + 1] if left < 23 else tomorrow[0]
    return today[left] + (right - today[left]) * (hour - left)


def tilt(shape: Shape, local: datetime) -> float:
    """Return the factor by which a category of ``shape`` is more or less frequent now."""
    return next(factor for start, end, factor in _TILTS[shape] if start <= local.hour < end)


def _curve(weekday: int) -> tuple[float, ...]:
    return _WEEKEND if weekday >= 5 else _WORKDAY
