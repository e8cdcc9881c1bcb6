"""Free and taken ports, and who holds them."""

import os
import socket
from collections.abc import Iterator

import pytest

from cst_stack import PortTakenError
from cst_stack.ports import accepts, free_port, holder, is_free, require_free


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_picked_port_is_free() -> None:
    port = free_port()
    assert is_free(port)
    assert not accepts("127.0.0.1", port, 0.5)
    require_free(port, "mongod", "CST_MONGO_PORT")


def test_a_taken_port_names_its_holder(taken: int) -> None:
    assert not is_free(taken)
    assert accepts("127.0.0.1", taken, 0.5)
    assert f"(pid {os.getpid()})" in (holder(taken) or "")
    with pytest.raises(PortTakenError) as caught:
        require_free(taken, "mongod", "CST_MONGO_PORT")
    text = str(caught.value)
    assert f"mongod cannot listen on 127.0.0.1:{taken}" in text
    assert f"(pid {os.getpid()})" in text
    assert "CST_MONGO_PORT" in text


def test_a_holder_that_may_not_be_seen_is_left_out(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(kind: str) -> list[object]:
        raise PermissionError

    monkeypatch.setattr("psutil.net_connections", denied)
    with pytest.raises(PortTakenError, match="the port is taken; stop that process"):
        require_free(taken, "tansu", "CST_KAFKA_PORT")
