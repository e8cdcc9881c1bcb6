"""Projections: what is derived from the ledger and can be made from it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

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


#: Differences that are named; the rest is counted, since each may be of one request in a million.
NAMED = 1000


@dataclass
class Differences:
    """Collects what ``check`` found, in bounded memory."""

    _named: list[str] = field(default_factory=list)
    _more: int = 0

    def add(self, line: str) -> None:
        if len(self._named) < NAMED:
            self._named.append(line)
        else:
            self._more += 1

    def lines(self) -> list[str]:
        """Return a line for each, and one for those beyond ``NAMED``."""
        return [*self._named, *([f"and {self._more} more"] if self._more else [])]


def difference(found: Mapping[str, Any] | None, right: Mapping[str, Any] | None) -> str:
    """Say how a row differs from the ledger's; None where there is, or should be, none."""
    if found is None:
        return "is missing"
    if right is None:
        return "has no place in the ledger"
    names = sorted(n for n in found.keys() | right.keys() if found.get(n) != right.get(n))
    return "; ".join(f"{n} is {found.get(n)}, by the ledger {right.get(n)}" for n in names)


@dataclass(frozen=True, slots=True)
class ProjectionSpec:
    """A projection by the name operators call it, what it is, and how it is built over the core."""

    name: str
    covers: str
    build: Callable[[Core], Projection]
