"""Transactions: a callback that may run several times, and its one effect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pymongo.errors import ConnectionFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from cst_mongo.client import Database, Session

T = TypeVar("T")


async def transact(db: Database, callback: Callable[[Session], Awaitable[T]]) -> T:
    """Run ``callback`` in a transaction, again on transient errors, and return what it returned.

    The callback must have no effect but through its session: it may run more than once. The driver
    retries write conflicts and unknown commits with jittered backoff for up to 120 s.
    """
    async with db.client.start_session() as session:
        return await session.with_transaction(
            callback,
            read_concern=ReadConcern("snapshot"),
            write_concern=WriteConcern("majority", j=True),
        )


def is_transient(error: BaseException) -> bool:
    """Tell whether trying again later can help (network, election, write conflict)."""
    if isinstance(error, ConnectionFailure):
        return True
    return isinstance(error, PyMongoError) and (
        error.has_error_label("TransientTransactionError")
        or error.has_error_label("UnknownTransactionCommitResult")
        or error.has_error_label("RetryableWriteError")
    )
