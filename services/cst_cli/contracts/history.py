"""Versions of a file that Git knows."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from cst_core.errors import ConfigError


def committed(folder: Path, name: str, against: str | None = None) -> Iterator[tuple[str, str]]:
    """Yield (short revision, text) of a file's committed versions, newest first.

    Args:
        folder: a folder in a Git work tree.
        name: path of the file below ``folder``.
        against: look at this revision only; at the history of ``HEAD`` where not given.

    Raises:
        ConfigError: no Git, no work tree, or no such revision.
    """
    if against is not None:
        _git(folder, "rev-parse", "--verify", "--quiet", f"{against}^{{commit}}")
        revisions = [against]
    else:
        revisions = _git(folder, "log", "--format=%h", "--", name).split()
    for revision in revisions:
        if _git(folder, "ls-tree", "--name-only", revision, "--", name):
            yield revision, _git(folder, "show", f"{revision}:./{name}")


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
        )
    except FileNotFoundError:
        raise ConfigError("git is not installed: the committed contracts are read by it") from None
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip() or "no such revision").splitlines()[0]
        raise ConfigError(f"git {' '.join(arguments)}: {reason}") from None
    return done.stdout
