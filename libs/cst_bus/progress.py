"""What a consumer tells about itself, for whoever asks whether it is stuck."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(slots=True)
class Progress:
    """How a consumer is doing; its processor moves it, its process reports it.

    Attributes:
        consumer: the handler's name.
        handled: events whose effect was committed since the process began.
        busy_since: since when the batch under way is handled (monotonic seconds); None between
            batches.
        failing_since: since when attempts fail one after the other (monotonic seconds).
        error: what the last attempt failed with; None while attempts succeed.
    """

    consumer: str
    handled: int = 0
    busy_since: float | None = None
    failing_since: float | None = None
    error: str | None = None

    def begin(self) -> None:
        """A batch begins."""
        self.busy_since = time.monotonic()

    def end(self) -> None:
        """The batch has ended, with whatever result."""
        self.busy_since = None

    def failed(self, error: BaseException) -> None:
        """An attempt has failed and will be repeated."""
        if self.failing_since is None:
            self.failing_since = time.monotonic()
        self.error = f"{type(error).__name__}: {error}"[:200]

    def succeeded(self, handled: int) -> None:
        """An attempt was committed, with the effect of ``handled`` events."""
        self.handled += handled
        self.failing_since = self.error = None
