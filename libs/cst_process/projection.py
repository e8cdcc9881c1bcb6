"""Projections: what is derived from the ledger and can be made from it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cst_process.core import Core


class Projection(Protocol):
    """Something derived from the ledger. Both methods work beside the live consumers."""

    async def rebuild(self) -> int:
        """Make it from the ledger again; return how many rows it has afterwards."""
        ...

    async def check(self) -> list[str]:
        """Compare it with what the ledger says; return a line for each difference.

        What the live path has not handled yet shows as a difference.
        """
        ...


@dataclass(frozen=True, slots=True)
class ProjectionSpec:
    """A projection by the name operators call it, and how it is built over the core."""

    name: str
    build: Callable[[Core], Projection]
