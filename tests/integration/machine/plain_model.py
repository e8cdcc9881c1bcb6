"""What a request may do next, told anew and plainly: the product's own rules are not asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ORDER = ("new", "triaged", "assigned", "in_progress", "resolved", "closed")
_STRICT = {
    ("new", "triaged"),
    ("triaged", "assigned"),
    ("assigned", "in_progress"),
    ("in_progress", "resolved"),
    ("resolved", "closed"),
}
EDGES = {
    "v1.0": _STRICT,
    "v1.1": _STRICT
    | {
        ("new", "closed"),
        ("triaged", "closed"),
        ("assigned", "triaged"),
        ("resolved", "in_progress"),
    },
}
_OFFICE = {"dispatcher", "supervisor", "admin"}
_FIELD = {("assigned", "in_progress"), ("in_progress", "resolved"), ("assigned", "triaged")}
#: The steps of v1.1 that must say why.
_SAY_WHY = {
    ("new", "closed"),
    ("triaged", "closed"),
    ("assigned", "triaged"),
    ("resolved", "in_progress"),
}
_OPEN = {"new", "triaged", "assigned", "in_progress"}


@dataclass
class Plain:
    """One request as the model sees it. ``events`` are the types that ever happened to it."""

    rules: str
    status: str = "new"
    priority: str = "P3"
    version: int = 1
    held: bool = False
    agent: str | None = None
    events: list[str] = field(default_factory=lambda: ["created"])
    reached: dict[str, bool] = field(default_factory=dict)

    def steps(self) -> list[str]:
        """Return the states that it went through after ``new``, in order."""
        return [kind for kind in self.events if kind in ORDER]

    def allowed_next(self) -> set[str]:
        return {target for source, target in EDGES[self.rules] if source == self.status}

    def may_step(self, to: str, role: str, subject: str, given: dict[str, Any]) -> bool:
        """Tell whether a step is right in every respect."""
        step = (self.status, to)
        if step not in EDGES[self.rules] or self.held:
            return False
        if role not in _OFFICE and not (
            role == "agent" and step in _FIELD and subject == self.agent
        ):
            return False
        if given.get("expected_version", self.version) != self.version:
            return False
        if step in _SAY_WHY and "note" not in given:
            return False
        return self._brings(step, given)

    def _brings(self, step: tuple[str, str], given: dict[str, Any]) -> bool:
        """A step takes its own fields, all that it needs and no others."""
        to = step[1]
        takes = {
            "triaged": {"priority"} if step[0] == "new" else set(),
            "assigned": {"assigned_agent_id"},
            "in_progress": {"assigned_agent_id"} if step[0] == "resolved" else set(),
            "resolved": {"resolution_code"},
            "closed": {"resolution_code"} if step[0] in ("new", "triaged") else set(),
        }[to]
        own = set(given) - {"expected_version", "note"}
        if not own <= takes:
            return False
        if to == "assigned":
            return "assigned_agent_id" in own
        if to == "resolved" or step in {("new", "closed"), ("triaged", "closed")}:
            return given.get("resolution_code") in {"fixed", "not_found", "spam"}
        return True

    def step(self, to: str, given: dict[str, Any], agents: dict[str, str]) -> None:
        """Take a step that is right."""
        for later in ORDER[ORDER.index(to) + 1 :]:
            self.reached.pop(later, None)
        self.reached[to] = True
        if to in ("new", "triaged"):
            self.agent = None
        if "assigned_agent_id" in given:
            self.agent = agents[given["assigned_agent_id"]]
        self.priority = given.get("priority", self.priority)
        self.status = to
        self.events.append(to)

    def may_hold(self, role: str, subject: str) -> bool:
        if self.status not in _OPEN or self.held:
            return False
        if self.priority == "P1":
            return role in ("supervisor", "admin")
        works = self.status in ("assigned", "in_progress") and subject == self.agent
        return role in _OFFICE or (role == "agent" and works)

    def may_resume(self, role: str, subject: str) -> bool:
        if not self.held:
            return False
        works = self.status in ("assigned", "in_progress") and subject == self.agent
        return role in _OFFICE or (role == "agent" and works)
