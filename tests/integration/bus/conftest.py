"""A stack of either broker, a database and topics of each test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from bus_kit import ending_soon, own_topics

from cst_mongo.client import Database
from cst_stack import Endpoints
from cst_testkit.databases import fresh_database


@pytest.fixture(params=["stack", pytest.param("kafka_stack", marks=pytest.mark.kafka)])
def either(request: pytest.FixtureRequest) -> Endpoints:
    """The session's stack, and one with Apache Kafka."""
    endpoints: Endpoints = request.getfixturevalue(request.param)
    return endpoints


@pytest.fixture
async def own_db(either: Endpoints) -> AsyncIterator[Database]:
    """A database of the test's own."""
    async with fresh_database(either.mongo_uri) as db:
        yield db


@pytest.fixture
async def prefix(either: Endpoints) -> str:
    """Topics of the test's own."""
    return await own_topics(either)


@pytest.fixture
async def short_transactions(own_db: Database) -> AsyncIterator[None]:
    """A killed process's transaction ends soon."""
    async with ending_soon(own_db):
        yield
