"""Evidence of a request: photos, videos and files, uploaded or elsewhere."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from cst_contracts.base import Command, RequestId, Wire
from cst_contracts.documents import Evidence

MAX_URL = 2000

EvidenceType = Literal["photo", "video", "file"]
EvidenceVisibility = Literal["public", "internal"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


#: Names that lead into a private network.
_PRIVATE_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa")
_NUMBER = re.compile(r"0x[0-9a-f]*|\d+", re.I)


def _is_public_host(host: str) -> bool:
    host = host.rstrip(".").lower()
    last = host.rpartition(".")[2]
    if ":" in host or _NUMBER.fullmatch(last):
        try:
            return ip_address(host).is_global
        except ValueError:
            return False  # an address in another notation: 127.1, 0x7f000001
    return "." in host and last not in _PRIVATE_NAMES


def _is_plain_https(url: str) -> str:
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("must be ASCII without blanks (percent-encode what is not)")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"is no URL: {error}") from None
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError("must start with https:// and name a host")
    if "\\" in url or parts.username is not None or parts.password is not None:
        raise ValueError("must hold no user name, no password and no backslash")
    if port not in (None, 443):
        raise ValueError("must use the standard port of https")
    if not _is_public_host(parts.hostname):
        raise ValueError("must name a host of the public internet")
    return url


class EvidenceReference(Command):
    """JSON body of ``POST /requests/{request_id}/evidence``: the content stays where it is.

    ``sha256`` is the caller's word for what lies there: nobody fetches it.
    """

    type: EvidenceType
    url: Annotated[str, Field(max_length=MAX_URL), AfterValidator(_is_plain_https)]
    sha256: Sha256
    visibility: EvidenceVisibility | None = None


class EvidenceUpload(Command):
    """The fields of a multipart body beside its ``file``.

    ``type`` is checked against what the file turns out to be, ``sha256`` against what has arrived.
    """

    type: EvidenceType | None = None
    visibility: EvidenceVisibility | None = Field(
        default=None,
        description="Staff and agents choose (not given: internal); a citizen's is internal until "
        "staff release it, unless the city shows it at once",
    )
    sha256: Sha256 | None = None


class AddedEvidence(Evidence):
    """Answer to an addition.

    ``sha256`` is of what is stored: of a photo without its metadata. ``sent_sha256`` is of what was
    sent; of a reference both are the caller's.
    """

    request_id: RequestId
    sent_sha256: str


class EvidenceList(Wire):
    """The evidence that the caller may see, in the order it was added."""

    request_id: RequestId
    items: list[Evidence]
