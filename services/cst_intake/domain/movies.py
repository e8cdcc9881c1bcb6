"""MP4 and MOV: is it whole, and away with what it says of place, owner and device.

Such a file is a row of boxes, each with its length and a type of four letters. What is private is
overwritten in place with a box of the same length that players skip, so nothing moves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_BRANDS = {
    b"qt  ": "video/quicktime",
    **dict.fromkeys(
        (b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9"),
        "video/mp4",
    ),
    **dict.fromkeys((b"mp41", b"mp42", b"avc1", b"dash", b"M4V ", b"MSNV"), "video/mp4"),
    **dict.fromkeys((b"3gp4", b"3gp5", b"3gp6", b"3ge6", b"3gg6"), "video/mp4"),
}
#: At the top these may stand; what else is there is unknown, and thus blanked.
_TOP = frozenset({b"ftyp", b"moov", b"mdat", b"moof", b"mfra", b"sidx", b"styp", b"wide"})
#: User data, metadata, what a vendor or an editor has left.
_PRIVATE = frozenset({b"udta", b"meta", b"uuid", b"free", b"skip", b"keys", b"ilst"})
_MAX_BOXES = 100_000
_ZEROS = bytes(1 << 16)


class BrokenMovie(ValueError):
    """The boxes do not make a whole movie."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its type, where it starts, where its content starts and where it ends."""

    kind: bytes
    start: int
    content: int
    end: int


def is_movie(head: bytes) -> bool:
    """Tell whether a file starts as this family of formats does."""
    return head[4:8] == b"ftyp"


def movie_type(head: bytes) -> str | None:
    """Return the media type by the major brand; None for a brand that is no movie of ours."""
    return _BRANDS.get(head[8:12])


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes between two positions.

    Raises:
        BrokenMovie: they do not fill that space exactly.
    """
    at = start
    while at < end:
        file.seek(at)
        head = file.read(min(16, end - at))
        if len(head) < 8:
            raise BrokenMovie("ends within a box")
        length, content = int.from_bytes(head[:4], "big"), at + 8
        if length == 1 and len(head) == 16:
            length, content = int.from_bytes(head[8:16], "big"), at + 16
        stop = at + length
        if length == 0 or stop < content or stop > end:
            raise BrokenMovie("has a box that is longer than the file, or open-ended")
        yield Box(head[4:8], at, content, stop)
        at = stop


def clean(file: BinaryIO, size: int) -> None:
    """Check that a movie is whole, and blank what is private in it.

    Raises:
        BrokenMovie: it is cut off, goes on after its end, or lacks what a movie has.
    """
    top = _listed(file, 0, size)
    kinds = {box.kind for box in top}
    if top[0].kind != b"ftyp" or not {b"moov", b"mdat"} <= kinds:
        raise BrokenMovie("has no index or no content")
    private = [box for box in top if box.kind not in _TOP]
    for movie in (box for box in top if box.kind in (b"moov", b"moof")):
        private += _private_in(file, movie)
    for box in private:
        _blank(file, box)


def _listed(file: BinaryIO, start: int, end: int) -> list[Box]:
    found = []
    for box in boxes(file, start, end):
        found.append(box)
        if len(found) > _MAX_BOXES:
            raise BrokenMovie("has too many boxes")
    return found


def _private_in(file: BinaryIO, movie: Box) -> list[Box]:
    found = []
    for box in _listed(file, movie.content, movie.end):
        if box.kind in _PRIVATE:
            found.append(box)
        elif box.kind in (b"trak", b"traf"):
            tracks = _listed(file, box.content, box.end)
            found += [inner for inner in tracks if inner.kind in _PRIVATE]
    return found


def _blank(file: BinaryIO, box: Box) -> None:
    file.seek(box.start + 4)
    file.write(b"free")
    file.seek(box.content)
    left = box.end - box.content
    while left > 0:
        left -= file.write(_ZEROS[: min(left, len(_ZEROS))])
