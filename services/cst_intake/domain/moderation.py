"""What staff may hide, release or erase, and what that does to a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cst_contracts.moderation import ModerationCommand
from cst_core.errors import Conflict, InvalidInput
from cst_intake.domain.comments import comments_of, moderated
from cst_ledger.events import By, Document, NewEvent
from cst_ledger.redaction import has_text, note_paths

#: ``target_id`` of the comment that came with the rating.
RATING = "rating"
_WITHOUT_ID = ("request", "text")
_DONE = {"hide": "is hidden already", "release": "is released already"}
_TARGETS = {
    "hide": ("request", "text", "evidence", "comment"),
    "release": ("request", "text", "evidence", "comment"),
    "redact": ("text", "evidence", "comment", "note"),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to write: an event, and what to erase in the same transaction and after it."""

    event: NewEvent
    erase: Sequence[Document] = ()
    erase_feedback: bool = False
    erase_file: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A command on a request, by whom, with the request's events.

    ``publicity`` is what its category, less its citizen's opt-out, lets the public see.
    """

    command: ModerationCommand
    document: Document
    events: Sequence[Document]
    by: By
    publicity: str

    def event(self, kind: str, changes: dict[str, Any], **meta: Any) -> NewEvent:
        """Return the event of the case; the reason becomes a note."""
        return NewEvent(kind, self.by, changes=changes, meta=meta, message=self.command.reason)

    @property
    def named(self) -> dict[str, Any]:
        """The target, as the events name it."""
        return {"target": self.command.target, "target_id": self.command.target_id}

    @property
    def name(self) -> str:
        """The target, in words."""
        target, target_id = self.command.target, self.command.target_id
        return f"{target} {target_id}" if target_id else f"the {target}"


def check_command(command: ModerationCommand) -> None:
    """Check what can be said without looking at the request.

    Raises:
        InvalidInput: the action has no such target, or the id is missing or too many.
    """
    allowed = _TARGETS[command.action]
    if command.target not in allowed:
        message = f"nothing of this kind can be {command.action}d".replace("redactd", "redacted")
        raise InvalidInput.field("target", message, command.target, allowed)
    if (command.target_id is None) != (command.target in _WITHOUT_ID):
        message = "is not for this target" if command.target_id else "is needed for this target"
        raise InvalidInput.field("target_id", message, command.target_id)


def plan(case: Case) -> Plan:
    """Return what the command does.

    Raises:
        InvalidInput: there is no such target.
        Conflict: it is so already, or erased.
    """
    if case.command.action == "redact":
        redact = {
            "text": _redact_text,
            "evidence": _redact_evidence,
            "comment": _redact_comment,
            "note": _redact_note,
        }
        return redact[case.command.target](case)
    show = {
        "request": _show_request,
        "text": _show_text,
        "evidence": _show_evidence,
        "comment": _show_comment,
    }
    return Plan(show[case.command.target](case, case.command.action == "release"))


def _show_request(case: Case, release: bool) -> NewEvent:
    before = case.document["public"]
    if release != (before == "none"):
        raise Conflict(f"{case.name} {_DONE[case.command.action]}: it is public as {before}")
    after = case.publicity if release else "none"
    if after == before:
        category = case.document["category"]
        raise Conflict(f"{case.name} is as public as category {category} lets it be: {after}")
    return case.event("visibility_changed", {"public": after}, from_public=before, to_public=after)


def _show_text(case: Case, release: bool) -> NewEvent:
    if release and case.document["description"] is None:
        raise Conflict(f"{case.name} is erased")
    if case.document["text_public"] is release:
        raise Conflict(f"{case.name} {_DONE[case.command.action]}")
    return case.event(_kind(release), {"text_public": release}, **case.named)


def _kind(release: bool) -> str:
    return "released" if release else "hidden"


def _evidence(case: Case) -> tuple[str, Document]:
    for index, item in enumerate(case.document["evidence"]):
        if item["evidence_id"] == case.command.target_id:
            if item["url"] is None:
                raise Conflict(f"{case.name} is erased")
            return f"evidence.{index}", item
    raise _unknown(case, [item["evidence_id"] for item in case.document["evidence"]])


def _unknown(case: Case, allowed: Sequence[str]) -> InvalidInput:
    message = f"is no {case.command.target} of this request"
    return InvalidInput.field("target_id", message, case.command.target_id, allowed)


def _show_evidence(case: Case, release: bool) -> NewEvent:
    path, item = _evidence(case)
    visibility = "public" if release else "internal"
    if item["visibility"] == visibility:
        raise Conflict(f"{case.name} {_DONE[case.command.action]}")
    return case.event(_kind(release), {f"{path}.visibility": visibility}, **case.named)


def _comment(case: Case) -> Document:
    found = comments_of(case.events)
    comment = found.get(case.command.target_id or "")
    if comment is None:
        raise _unknown(case, list(found))
    return comment


def _show_comment(case: Case, release: bool) -> NewEvent:
    comment = _comment(case)
    if comment["meta"]["visibility"] == "internal":
        raise Conflict(f"{case.name} is internal: the public never sees it")
    if not has_text(comment):
        raise Conflict(f"{case.name} is erased")
    if moderated(case.events, "comment").get(case.command.target_id or "") == _kind(release):
        raise Conflict(f"{case.name} {_DONE[case.command.action]}")
    return case.event(_kind(release), {}, **case.named)


def _redact_text(case: Case) -> Plan:
    """The description, and every address hint: of the report and of corrected places."""
    first, *later = case.events
    hints = [e for e in later if e["meta"].get("address_hint") is not None]
    erase = [event for event in (first, *hints) if has_text(event)]
    if not erase:
        raise Conflict(f"{case.name} is erased already, or there was none")
    notes = note_paths(case.events)
    changes = {"description": None, "location.address_hint": None}
    changes |= {notes[event["seq"]]: None for event in erase if event["seq"] in notes}
    return Plan(case.event("redacted", changes, **case.named), erase)


def _redact_evidence(case: Case) -> Plan:
    path, item = _evidence(case)
    changes = {f"{path}.url": None, f"{path}.visibility": "internal"}
    return Plan(case.event("redacted", changes, **case.named), erase_file=item["evidence_id"])


def _redact_comment(case: Case) -> Plan:
    if case.command.target_id == RATING:
        rated = [event for event in case.events if event["type"] == "rated"]
        if not rated:
            raise _unknown(case, list(comments_of(case.events)))
        comment = rated[-1]
    else:
        comment = _comment(case)
    if not has_text(comment):
        raise Conflict(f"{case.name} is erased already, or had no text")
    of_rating = comment["type"] == "rated"
    return Plan(case.event("redacted", {}, **case.named), [comment], erase_feedback=of_rating)


def _redact_note(case: Case) -> Plan:
    paths = note_paths(case.events)
    notes = {event["event_id"]: event for event in case.events if event["seq"] in paths}
    note = notes.get(case.command.target_id or "")
    if note is None:
        raise _unknown(case, [key for key, event in notes.items() if has_text(event)])
    if not has_text(note):
        raise Conflict(f"{case.name} is erased already")
    changes: dict[str, Any] = {paths[note["seq"]]: None}
    if _gave_the_hint(case.events, note):
        changes["location.address_hint"] = None
    return Plan(case.event("redacted", changes, **case.named), [note])


def _gave_the_hint(events: Sequence[Document], note: Document) -> bool:
    """Tell whether the address hint as it stands came with this note: they share their salt."""
    places = [e for e in events if e["type"] == "location_changed" and "text_digest" in e["meta"]]
    return bool(places) and places[-1]["seq"] == note["seq"]
