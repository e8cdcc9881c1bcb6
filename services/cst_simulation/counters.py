"""What a simulation counts while it runs."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

#: Answers whose times are kept for the percentiles.
KEPT = 20_000
#: Different reasons of failures that are kept.
REASONS = 20


@dataclass
class Counters:
    """Counts since the start. ``sent`` counts calls of citizens: 201, 200 (replayed) or failed.

    ``by_status`` is what the system itself says, from its KPIs.
    """

    sent: int = 0
    created: int = 0
    replayed: int = 0
    failed: int = 0
    triaged: int = 0
    started: int = 0
    resolved: int = 0
    closed: int = 0
    refused: int = 0
    by_status: dict[str, int] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    _seconds: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))

    def answered(self, seconds: float) -> None:
        """Note how long a citizen waited, from the moment the report was due."""
        self._seconds.append(seconds)

    def why(self, reason: str) -> None:
        """Note why something did not succeed."""
        if reason in self.reasons or len(self.reasons) < REASONS:
            self.reasons[reason] += 1

    def percentile_ms(self, percent: float) -> float | None:
        """Return a percentile of the latest answers in milliseconds; None before the first."""
        if not self._seconds:
            return None
        ordered = sorted(self._seconds)
        return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)] * 1000
