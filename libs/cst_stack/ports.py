"""TCP ports on the loopback interface: which are free, and who holds the others."""

from __future__ import annotations

import contextlib
import socket

import psutil

from cst_stack.errors import PortTakenError

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Say whether a server could listen on ``port`` of the loopback interface now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Servers set it too; without it a port in TIME_WAIT would look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """Return a port that the operating system holds free at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def holder(port: int) -> str | None:
    """Return ``"<name> (pid <n>)"`` of the process that listens on ``port``.

    None when nobody listens or the system does not let this user see who does.
    """
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            address = connection.laddr
            if connection.status != psutil.CONN_LISTEN or not address or not connection.pid:
                continue
            if address.port == port:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return None


def require_free(port: int, part: str, setting: str) -> None:
    """Raise ``PortTakenError`` unless ``port`` is free.

    ``part`` names who wants it and ``setting`` the variable that moves it elsewhere.
    """
    if not is_free(port):
        raise PortTakenError(port, part, holder(port), setting)


def accepts(host: str, port: int, timeout: float) -> bool:
    """Say whether something accepts a TCP connection within ``timeout`` seconds."""
    try:
        with socket.create_connection((host, port), timeout=timeout):
            return True
    except OSError:
        return False
