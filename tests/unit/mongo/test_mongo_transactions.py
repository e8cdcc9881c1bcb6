"""Transactions: all or nothing, again on conflicts, and a way to tell what may be tried again."""

from __future__ import annotations

import asyncio

import pytest
from pymongo.errors import (
    AutoReconnect,
    DuplicateKeyError,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
)
from pymongo.errors import ServerSelectionTimeoutError as NoServer

from cst_core.errors import Unavailable
from cst_mongo.client import Database, Session
from cst_mongo.transactions import TryLater, is_transient, transact


async def test_a_callback_that_raises_leaves_nothing_behind(db: Database) -> None:
    async def write_then_fail(session: Session) -> None:
        await db["counters"].insert_one({"_id": "half"}, session=session)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        await transact(db, write_then_fail)
    assert await db["counters"].find_one({"_id": "half"}) is None


async def test_conflicting_writers_are_repeated_until_each_has_had_its_turn(db: Database) -> None:
    await db["counters"].insert_one({"_id": "hot", "n": 0})

    async def read_and_write(session: Session) -> int:
        row = await db["counters"].find_one({"_id": "hot"}, session=session)
        assert row is not None
        await db["counters"].update_one(
            {"_id": "hot"}, {"$set": {"n": row["n"] + 1}}, session=session
        )
        return int(row["n"])

    seen = await asyncio.gather(*(transact(db, read_and_write) for _ in range(20)))
    assert sorted(seen) == list(range(20))


PASSING = {
    24: "LockTimeout",
    50: "MaxTimeMSExpired",
    91: "ShutdownInProgress",
    112: "WriteConflict",
    189: "PrimarySteppedDown",
    246: "SnapshotUnavailable",
    251: "NoSuchTransaction",
    262: "ExceededTimeLimit",
    290: "TransactionExceededLifetimeLimitSeconds",
    10107: "NotWritablePrimary",
    11600: "InterruptedAtShutdown",
    11602: "InterruptedDueToReplStateChange",
    14031: "OutOfDiskSpace",
}


def labelled(label: str) -> PyMongoError:
    error = OperationFailure("x")
    error._add_error_label(label)
    return error


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (AutoReconnect("gone"), True),
        (NoServer("none"), True),
        (labelled("TransientTransactionError"), True),
        (labelled("UnknownTransactionCommitResult"), True),
        (labelled("RetryableWriteError"), True),
        (OperationFailure("bad command"), False),
        (DuplicateKeyError("twice"), False),
        (ValueError("a fault of ours"), False),
        (NotPrimaryError("stepped down"), True),
        (NetworkTimeout("slow"), True),
        (TryLater("closed for a moment"), True),
        (Unavailable("no city yet"), True),
        (OperationFailure("x", code=121), False),
        (OperationFailure("x", code=13), False),
        *((OperationFailure(name, code=code), True) for code, name in PASSING.items()),
    ],
)
def test_what_may_be_tried_again(error: Exception, transient: bool) -> None:
    assert is_transient(error) is transient
