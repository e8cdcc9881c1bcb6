"""Entity tags (RFC 9110, 8.8.3): what a caller has already, by its ``If-None-Match``."""

from __future__ import annotations

import re

_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


def has_already(if_none_match: str | None, tag: str) -> bool:
    """Tell whether ``If-None-Match`` names the current representation.

    The comparison is the weak one, as for every GET: a proxy that packs an answer may have made
    our strong tag a weak one.

    Args:
        if_none_match: the header: ``*``, or tags with commas between; None where there is none.
        tag: the current tag, without its quotes.
    """
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag in _TAG.findall(if_none_match)
