"""The client, with the options that make a write durable and a read repeatable."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any, TypeVar

import pymongo.lock
from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.write_concern import WriteConcern

Document = dict[str, Any]
Client = AsyncMongoClient[Document]
Database = AsyncDatabase[Document]
Collection = AsyncCollection[Document]
Session = AsyncClientSession

SERVER_SELECTION_MS = 10_000

T = TypeVar("T")


async def _wait_for(awaitable: Awaitable[T], timeout: float | None) -> T:
    """Wait as ``asyncio.wait_for`` does from Python 3.12 on: in the caller's own task."""
    async with asyncio.timeout(timeout):
        return await awaitable


if sys.version_info < (3, 12):
    # The older one swallows a cancellation that comes in time with a result, and leaves the
    # driver's lock to another task when it is cancelled while it times out: after an outage of the
    # server a cancelled operation went on for ever, or others failed with "cannot wait on
    # un-acquired lock".
    pymongo.lock.wait_for = _wait_for  # type: ignore[attr-defined, assignment]


def connect(uri: str, *, app: str) -> Client:
    """Return a client of a replica set; datetimes are aware, in UTC.

    Args:
        uri: connection string.
        app: name shown in the server's logs and ``currentOp``.
    """
    return AsyncMongoClient(
        uri,
        appname=f"cst-{app}",
        tz_aware=True,
        tzinfo=UTC,
        serverSelectionTimeoutMS=SERVER_SELECTION_MS,
        retryWrites=True,
    )


def database(client: Client, name: str) -> Database:
    """Return the city's database: majority writes, aware datetimes."""
    options: CodecOptions[Document] = CodecOptions(tz_aware=True, tzinfo=UTC)
    return client.get_database(
        name, codec_options=options, write_concern=WriteConcern("majority", j=True)
    )


@asynccontextmanager
async def open_database(uri: str, name: str, *, app: str) -> AsyncIterator[Database]:
    """Open the city's database and close its client at the end."""
    client = connect(uri, app=app)
    try:
        yield database(client, name)
    finally:
        await client.close()
