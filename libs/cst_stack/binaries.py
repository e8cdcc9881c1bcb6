"""Find executables: named by the environment, on PATH, or carried by a wheel."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from cst_stack.errors import StackError


def from_env(variable: str) -> str | None:
    """Return the executable that ``variable`` names, or None where it is not set.

    Raises ``StackError`` if it is set to something that cannot be executed: an explicit
    choice is never passed over.
    """
    named = os.environ.get(variable)
    if not named:
        return None
    found = shutil.which(named)
    if found is None:
        raise StackError(
            f"{variable} names {named}, which is not an executable file; correct or unset it"
        )
    return found


def from_wheel(package: str, relative: str) -> str | None:
    """Return the executable file ``relative`` in the folder of an installed package, or None.

    ``package`` is a top-level name; nothing of it is imported.
    """
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        candidate = Path(folder) / relative
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return str(candidate)
    return None
