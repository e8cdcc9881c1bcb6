"""What a file really is, by its content. Only what is known to be harmless passes.

Names and declared types are the sender's word and are not asked. A file that is also something
else (an archive behind a photo, a page in a text) is refused, and so is one that is cut off.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

from cst_core.errors import InvalidInput
from cst_intake.domain.movies import is_movie, movie_type

ALLOWED = ("JPEG, PNG or WebP photo", "MP4 or MOV video", "PDF", "plain UTF-8 text")
HEAD = 4096
#: An archive's directory ends a file, behind it at most a comment.
TAIL = 66_000
_CHUNK = 1 << 20
_OVERLAP = 64
#: What makes a browser or an interpreter run a file.
_ACTIVE = re.compile(rb"<script|<!doctype html|<html[ >]|<\?php\s|<svg\s|<iframe\s", re.I)
#: In a text even less: with such a tag it is a page, whatever surrounds it.
_MARKUP = re.compile(
    r"<\s*/?\s*(html|head|body|script|style|svg|iframe|object|embed|img|link|meta|form|base"
    r"|[!]doctype|[!]entity|[?]xml|[?]php)\b",
    re.I,
)
_PDF_ACTIVE = re.compile(
    rb"/(JavaScript|JS|Launch|EmbeddedFile|EmbeddedFiles|RichMedia|XFA|SubmitForm)\b"
)
_HEX_NAME = re.compile(rb"#([0-9A-Fa-f]{2})")

Kind = Literal["photo", "video", "file"]
EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "application/pdf": "pdf",
    "text/plain": "txt",
}


@dataclass(frozen=True, slots=True)
class Content:
    """A file's kind and its media type."""

    kind: Kind
    media_type: str


def refused(message: str) -> InvalidInput:
    """Return the error of a file that is not accepted."""
    return InvalidInput.field("file", message, None, ALLOWED)


def recognise(file: BinaryIO, size: int) -> Content:
    """Return what a file is; photos and videos have yet to be read whole.

    Raises:
        InvalidInput: it is empty, of another kind, cut off, or also something else.
    """
    if size == 0:
        raise refused("is empty")
    file.seek(0)
    head = file.read(HEAD)
    content = _by_head(head)
    _check_archive(file, size)
    if content.media_type == "application/pdf":
        _check_pdf(file, size)
    elif content.media_type == "text/plain":
        _check_text(file)
    else:
        _check_active(file)
    file.seek(0)
    return content


def _by_head(head: bytes) -> Content:
    if head.startswith(b"\xff\xd8\xff"):
        return Content("photo", "image/jpeg")
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Content("photo", "image/png")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Content("photo", "image/webp")
    if is_movie(head):
        media_type = movie_type(head)
        if media_type is None:
            raise refused("is a HEIC photo or a video of another kind; convert it first")
        return Content("video", media_type)
    if head.startswith(b"%PDF-"):
        return Content("file", "application/pdf")
    if b"\0" not in head:
        return Content("file", "text/plain")
    raise refused("is of a kind that is not accepted")


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    """The file in pieces that overlap, so that nothing hides on a border."""
    file.seek(0)
    before = b""
    while piece := file.read(_CHUNK):
        yield before + piece
        before = piece[-_OVERLAP:]


def _check_archive(file: BinaryIO, size: int) -> None:
    file.seek(max(0, size - TAIL))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0:
        comment = int.from_bytes(tail[at + 20 : at + 22], "little")
        if at + 22 + comment == len(tail):
            raise refused("is also an archive")
        at = tail.rfind(b"PK\x05\x06", 0, at)


def _check_active(file: BinaryIO) -> None:
    if any(_ACTIVE.search(piece) for piece in _chunks(file)):
        raise refused("holds a script or a page")


def _check_pdf(file: BinaryIO, size: int) -> None:
    file.seek(max(0, size - 1024))
    _, found, rest = file.read().rpartition(b"%%EOF")
    if not found or rest.strip(b"\r\n\t \0"):
        raise refused("is a PDF that is cut off, or goes on after its end")
    for piece in _chunks(file):
        # A name may be written with escapes: /J#61vaScript.
        plain = _HEX_NAME.sub(lambda match: bytes([int(match[1], 16)]), piece)
        if _PDF_ACTIVE.search(plain) or _ACTIVE.search(piece):
            raise refused("is a PDF with scripts, forms that send, or files in it")


def _check_text(file: BinaryIO) -> None:
    decode = codecs.getincrementaldecoder("utf-8")().decode
    before, first = "", True
    file.seek(0)
    while True:
        raw = file.read(_CHUNK)
        try:
            text = decode(raw, final=not raw)
        except UnicodeDecodeError:
            raise refused("is of a kind that is not accepted") from None
        if any(ord(char) < 32 and char not in "\t\n\r\f" for char in set(text)):
            raise refused("is of a kind that is not accepted")
        if _MARKUP.search(before + text):
            raise refused("is a page or a script, not plain text")
        if first and text.lstrip("\ufeff \t\r\n").startswith(("#!", "<", "{\\rtf")):
            raise refused("is a page or a script, not plain text")
        if not raw:
            return
        before, first = text[-256:], False
