"""Fixtures of every test that needs a stack: ``pytest_plugins = ["cst_testkit.pytest_plugin"]``."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from cst_stack import Endpoints
from cst_testkit.stacks import require_apache_kafka, running_stack


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers by which tests of one kind of stack are chosen."""
    config.addinivalue_line("markers", "kafka: needs Apache Kafka (Java and Maven)")
    config.addinivalue_line("markers", "containers: needs a Docker engine")


@pytest.fixture(scope="session")
def stack() -> Iterator[Endpoints]:
    """The session's stack, of the kind that ``CST_STACK`` names (default: embedded)."""
    with running_stack(in_memory=True) as endpoints:
        yield endpoints


@pytest.fixture(scope="session")
def kafka_stack(request: pytest.FixtureRequest) -> Iterator[Endpoints]:
    """A stack with Apache Kafka, for what the embedded broker cannot do; skips without Java."""
    if os.environ.get("CST_STACK", "embedded") != "embedded":
        yield request.getfixturevalue("stack")
        return
    require_apache_kafka()
    with running_stack("kafka", in_memory=True) as endpoints:
        yield endpoints


@pytest.fixture(scope="session")
def mongo_uri(stack: Endpoints) -> str:
    """Connection string of the session's stack."""
    return stack.mongo_uri
