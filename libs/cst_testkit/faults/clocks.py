"""Jumps of a process's own clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from unittest.mock import patch


@contextmanager
def jumped(by: timedelta) -> Iterator[None]:
    """Let this process's clock be wrong by ``by`` for the length of the block.

    Everything of CST reads it through ``cst_core.clock``; the servers' clocks stay as they are.
    """

    class Jumped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + by

    with patch("cst_core.clock.datetime", Jumped):
        yield
