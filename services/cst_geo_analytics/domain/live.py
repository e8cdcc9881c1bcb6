"""The live map's rules: who is told what of an event, and how a position in the log is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256

from cst_contracts.enums import Publicity
from cst_contracts.events import EVENTS, Facts
from cst_geo import Box
from cst_geo.cells import center

#: The next offset of each partition of the log.
Offsets = tuple[int, ...]

#: The moving events that may take a request from where, or from whom, it was shown before.
LEAVING = frozenset(
    {
        "category_changed",
        "location_changed",
        "duplicate_linked",
        "duplicate_unlinked",
        "visibility_changed",
    }
)
#: A position as it is written: the log's name, and at most 64 partitions.
_POSITION = re.compile(r"([0-9a-f]{16})~([0-9]{1,18}(?:\.[0-9]{1,18}){0,63})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """What decides who sees a request: whose it is to see, what it is, and where (degrees)."""

    is_master: bool
    exact: bool
    category: str
    point: tuple[float, float] | None


def place_of(facts: Facts) -> Place:
    """Return the place of a request; its point is the centre of its cell, (lon, lat).

    Raises:
        ValueError: its cell is no H3 cell.
    """
    point = center(facts.h3) if facts.located and facts.h3 is not None else None
    return Place(facts.is_master, facts.public is Publicity.EXACT, facts.category, point)


@dataclass(slots=True)
class MapEvent:
    """An event that moves a request on the map.

    Attributes:
        request_id: whose it is.
        seq: its number among the request's.
        type: its short name.
        after: where the request is.
        before: where it was, if the event is one of ``LEAVING``; None where that is not known.
        text: the event as it is told, in JSON.
        withdrawn: the public must not be told of it any more.
    """

    request_id: str
    seq: int
    type: str
    after: Place
    before: Place | None
    text: bytes
    withdrawn: bool = False


class Telling(Enum):
    """What a client is told of an event."""

    SHOWN = "shown"
    REMOVED = "removed"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client asks for and may see; equal ones are told the same.

    Attributes:
        staff: sees everything; all others what is public to the point.
        categories: any of these; empty for all.
        box: holds the centre of the request's cell; None for anywhere.
    """

    staff: bool
    categories: frozenset[str] = frozenset()
    box: Box | None = None

    def shows(self, place: Place) -> bool:
        """Tell whether a request at this place is on the client's map."""
        if not place.is_master:
            return False
        if not self.staff and (not place.exact or place.point is None):
            return False
        if self.categories and place.category not in self.categories:
            return False
        return self.box is None or (place.point is not None and self.box.holds(*place.point))

    def telling(self, event: MapEvent) -> Telling:
        """Return what to tell: of a request that leaves the map, only that it does.

        Whether it leaves is said by where it was, so that nobody hears of a request that was not
        theirs to see.
        """
        if not self.staff and not _may_be_public(event.type):
            return Telling.NOTHING
        if self.shows(event.after):
            hidden = event.withdrawn and not self.staff
            return Telling.NOTHING if hidden else Telling.SHOWN
        if event.before is not None and self.shows(event.before):
            return Telling.REMOVED
        return Telling.NOTHING


def _may_be_public(event_type: str) -> bool:
    # That a request became public is seen by its being there.
    return EVENTS[event_type].public or event_type == "visibility_changed"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the log: the log's name, and the next offset of each partition."""

    log: str
    offsets: Offsets

    def __str__(self) -> str:
        return f"{self.log}~{'.'.join(map(str, self.offsets))}"


def parse_position(text: str) -> Position | None:
    """Return the position that ``text`` writes; None where it writes none."""
    found = _POSITION.fullmatch(text)
    if found is None:
        return None
    return Position(found[1], tuple(int(part) for part in found[2].split(".")))


def log_name(cluster: str, topic: str) -> str:
    """Return the name of a log: another broker, or another topic, has another one."""
    return sha256(f"{cluster}\n{topic}".encode()).hexdigest()[:16]


def furthest(one: Offsets, other: Offsets) -> Offsets:
    """Return the greater offset of each partition."""
    return tuple(map(max, one, other))


def reached(goal: Offsets, offsets: Offsets) -> bool:
    """Tell whether ``offsets`` are at ``goal`` or beyond it, in every partition."""
    return all(offset >= wanted for offset, wanted in zip(offsets, goal, strict=True))
