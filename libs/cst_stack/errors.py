"""Errors of the embedded stack: one clear line each, no traceback needed."""

from __future__ import annotations


class StackError(Exception):
    """The stack cannot do what was asked.

    ``str(error)`` is always a single line that says what is wrong and what to do about it.
    """

    def __init__(self, message: str) -> None:
        self.message = " ".join(message.split())
        super().__init__(self.message)


class PortTakenError(StackError):
    """Another process listens on the port that a part needs."""

    def __init__(self, port: int, part: str, holder: str | None, setting: str) -> None:
        by = f" by {holder}" if holder else ""
        super().__init__(
            f"{part} cannot listen on 127.0.0.1:{port}: the port is taken{by}; "
            f"stop that process or set {setting} to another port (0 picks a free one)"
        )
        self.port = port
