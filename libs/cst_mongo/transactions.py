"""Transactions: a callback that may run several times, and its one effect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from cst_core.errors import Unavailable
from cst_mongo.client import Database, Session

T = TypeVar("T")

#: Errors that say how the server is doing, not what it was asked: they pass.
_PASSING_CODES = frozenset(
    {
        6,  # HostUnreachable
        7,  # HostNotFound
        24,  # LockTimeout
        50,  # MaxTimeMSExpired
        64,  # WriteConcernFailed
        89,  # NetworkTimeout
        91,  # ShutdownInProgress
        112,  # WriteConflict
        175,  # QueryPlanKilled, by a renamed collection
        189,  # PrimarySteppedDown
        246,  # SnapshotUnavailable
        251,  # NoSuchTransaction
        262,  # ExceededTimeLimit
        290,  # TransactionExceededLifetimeLimitSeconds
        9001,  # SocketException
        10107,  # NotWritablePrimary
        11600,  # InterruptedAtShutdown
        11602,  # InterruptedDueToReplStateChange
        13435,  # NotPrimaryNoSecondaryOk
        13436,  # NotPrimaryOrSecondary
        14031,  # OutOfDiskSpace
    }
)


class TryLater(Exception):
    """Raised for what goes away without anybody's doing: the same work can succeed later."""


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
    """Tell whether trying again later can help (network, election, conflict, a full disk)."""
    if isinstance(error, ConnectionFailure | TryLater | Unavailable):
        return True
    if isinstance(error, OperationFailure) and error.code in _PASSING_CODES:
        return True
    return isinstance(error, PyMongoError) and (
        error.has_error_label("TransientTransactionError")
        or error.has_error_label("UnknownTransactionCommitResult")
        or error.has_error_label("RetryableWriteError")
    )
