"""Ask a broker who it is, over a plain socket.

``up`` may run inside an event loop (uvicorn imports the application there), so the
asynchronous Kafka client cannot be used to see whether the broker is ready.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from cst_stack.ports import LOOPBACK

_METADATA_KEY, _METADATA_VERSION, _CORRELATION_ID = 3, 2, 1
MAX_ANSWER_BYTES = 1024 * 1024


@dataclass(frozen=True)
class BrokerInfo:
    """A broker's answer: its cluster's id and how many brokers are in it."""

    cluster_id: str
    brokers: int


def broker_info(port: int, timeout: float = 1.0) -> BrokerInfo | None:
    """Return what the broker on the loopback ``port`` says, or None if it says nothing.

    Waits at most ``timeout`` seconds for each step. It asks for no topic, so it creates none.
    """
    header = struct.pack(">hhih", _METADATA_KEY, _METADATA_VERSION, _CORRELATION_ID, -1)
    request = header + struct.pack(">i", 0)
    try:
        with socket.create_connection((LOOPBACK, port), timeout=timeout) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            (size,) = struct.unpack(">i", _read(connection, 4))
            if not 0 < size <= MAX_ANSWER_BYTES:
                return None
            return _parse(_read(connection, size))
    except (OSError, struct.error, UnicodeDecodeError):
        return None


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = connection.recv(size - len(data))
        if not chunk:
            raise ConnectionError("the broker closed the connection")
        data += chunk
    return data


def _parse(answer: bytes) -> BrokerInfo | None:
    """Read a Metadata v2 response: correlation id, brokers, cluster id, …"""
    correlation_id, count = struct.unpack_from(">ii", answer)
    if correlation_id != _CORRELATION_ID or count < 1:
        return None
    offset = 8
    for _ in range(count):
        _, offset = _string(answer, offset + 4)  # node id, host
        _, offset = _string(answer, offset + 4)  # port, rack
    cluster_id, _ = _string(answer, offset)
    return BrokerInfo(cluster_id, count)


def _string(answer: bytes, offset: int) -> tuple[str, int]:
    (length,) = struct.unpack_from(">h", answer, offset)
    end = offset + 2 + max(length, 0)
    return answer[offset + 2 : end].decode(), end
