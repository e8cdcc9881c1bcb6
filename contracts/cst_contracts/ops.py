"""What an API process tells operators of the system's state."""

from __future__ import annotations

from typing import Literal

from cst_contracts.base import Wire


class SystemProblem(Wire):
    """Something that is wrong now.

    ``part`` is what is concerned, as ``broker`` or ``consumer:geo``; ``problem`` a word or two that
    programs can rely on; ``since_s`` for how many seconds, null where nobody knows.
    """

    part: str
    problem: str
    since_s: float | None
    detail: str


class Readiness(Wire):
    """Requests are taken; where ``degraded``, what follows from them is late or waits."""

    status: Literal["ready", "degraded"]
    problems: list[SystemProblem]
