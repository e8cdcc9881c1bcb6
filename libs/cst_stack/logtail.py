"""The one line of a part's log that says why it died."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

TAIL_BYTES = 128 * 1024
MAX_LINE_CHARS = 300
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_COMPLAINT = re.compile(r"\b(ERROR|FATAL|Error|error|Exception|panicked|cannot|failed)\b")
# Frames of a Java or Rust backtrace, which follow the line that matters.
_BACKTRACE = re.compile(r"^\s*(at\s|\.\.\. \d+ more|stack backtrace:|note:|\d+:\s)")


def last_meaningful_line(log: str) -> str:
    """Return the last complaint in the text of a log, else its last line, else ``""``.

    Reads the JSON lines of mongod as well as plain text; colours and backtraces are dropped.
    """
    lines = _COLOUR.sub("", log).splitlines()
    lines = [line for line in lines if line.strip() and not _BACKTRACE.match(line)]
    for line in reversed(lines):
        complaint = _complaint(line)
        if complaint:
            return complaint[:MAX_LINE_CHARS]
    return lines[-1].strip()[:MAX_LINE_CHARS] if lines else ""


def tail(path: Path) -> str:
    """Return the end of the file at ``path``, at most ``TAIL_BYTES`` of it, or ``""``."""
    try:
        with path.open("rb") as handle:
            handle.seek(0, os.SEEK_END)
            handle.seek(max(0, handle.tell() - TAIL_BYTES))
            return handle.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _complaint(line: str) -> str | None:
    if not line.startswith("{"):
        return line.strip() if _COMPLAINT.search(line) else None
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    if entry.get("s") not in ("E", "F"):
        return None
    attributes = entry.get("attr") or {}
    error = attributes.get("error") or attributes.get("reason")
    if isinstance(error, dict):
        error = error.get("errmsg")
    return f"{entry.get('msg', '')}: {error}" if error else str(entry.get("msg", ""))
