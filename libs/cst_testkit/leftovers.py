"""See what processes a stack has left behind."""

from __future__ import annotations

import psutil

from cst_stack import Home


def processes_of(home: Home) -> list[psutil.Process]:
    """Return the live processes of the stack in ``home``: those that work in its folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(home.root):
                found.append(process)
        except psutil.Error:  # It ended meanwhile, or it is another user's.
            continue
    return found
