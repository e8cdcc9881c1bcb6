"""The client, with the options that make a write durable and a read repeatable."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any

from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.write_concern import WriteConcern

from cst_mongo.driver_fixes import mend

Document = dict[str, Any]
Client = AsyncMongoClient[Document]
Database = AsyncDatabase[Document]
Collection = AsyncCollection[Document]
Session = AsyncClientSession

SERVER_SELECTION_MS = 10_000


def connect(uri: str, *, app: str) -> Client:
    """Return a client of a replica set; datetimes are aware, in UTC.

    Args:
        uri: connection string.
        app: name shown in the server's logs and ``currentOp``.
    """
    mend()
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
