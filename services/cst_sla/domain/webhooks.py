"""Webhooks that fail: when to try again, and when to give up."""

from __future__ import annotations

from datetime import timedelta

#: Pauses double from the first to the longest.
FIRST_PAUSE = timedelta(seconds=20)
LONGEST_PAUSE = timedelta(hours=1)
#: How long after its notice a delivery is tried.
TRIED_FOR = timedelta(hours=24)


def pause_after(attempts: int, age: timedelta, luck: float) -> timedelta | None:
    """Return how long to wait after an attempt that failed; None to give up.

    Args:
        attempts: how many have failed, 1 or more.
        age: since when there is something to deliver.
        luck: from 0 to 1; takes up to half of the pause away, so that not all come back at once.
    """
    # Bounded before it is a span, which takes no power of two of any size.
    doubled = FIRST_PAUSE * 2 ** min(attempts - 1, 20)
    pause = min(doubled, LONGEST_PAUSE) * (1 - luck / 2)
    return pause if age + pause <= TRIED_FOR else None
