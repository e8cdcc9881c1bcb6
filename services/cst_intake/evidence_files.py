"""From what was sent to what may be stored: checked, cleaned, measured. Runs in a thread."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from typing import BinaryIO

from cst_contracts.evidence import EvidenceUpload
from cst_core.errors import InvalidInput
from cst_intake.domain.content import Content, recognise, refused
from cst_intake.domain.movies import BrokenMovie, clean
from cst_intake.photos import rewrite


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that is ready to be stored; ``sha256`` is its own, ``sent_sha256`` of what came."""

    content: Content
    file: BinaryIO
    size: int
    sha256: str
    sent_sha256: str


def prepare(sent: BinaryIO, fields: EvidenceUpload, target: BinaryIO) -> Prepared:
    """Check a file, and write it cleaned into ``target``.

    Raises:
        InvalidInput: it is not accepted, or not what ``fields`` say of it.
    """
    size, sent_sha256 = _measure(sent)
    if fields.sha256 is not None and fields.sha256 != sent_sha256:
        raise InvalidInput.field(
            "sha256", f"is not that of the file, which is {sent_sha256}", fields.sha256
        )
    content = recognise(sent, size)
    if fields.type is not None and fields.type != content.kind:
        raise InvalidInput.field(
            "type", f"the file is a {content.kind} by its content", fields.type, [content.kind]
        )
    _clean_copy(sent, content, target)
    size, sha256 = _measure(target)
    return Prepared(content, target, size, sha256, sent_sha256)


def _clean_copy(sent: BinaryIO, content: Content, file: BinaryIO) -> None:
    sent.seek(0)
    if content.kind == "photo":
        rewrite(sent, content.media_type, file)
        return
    shutil.copyfileobj(sent, file)
    if content.kind == "video":
        try:
            clean(file, file.tell())
        except BrokenMovie as error:
            raise refused(f"is a video that {error}") from None


def _measure(file: BinaryIO) -> tuple[int, str]:
    """Return size and SHA-256 of a file, and leave it at its start."""
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    while piece := file.read(1 << 20):
        digest.update(piece)
        size += len(piece)
    file.seek(0)
    return size, digest.hexdigest()
