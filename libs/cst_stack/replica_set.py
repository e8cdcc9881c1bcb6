"""A one-member replica set on a loopback port: form it, move it, see whether it is primary."""

from __future__ import annotations

from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from cst_stack.errors import StackError
from cst_stack.ports import LOOPBACK

REPLICA_SET = "rs0"
CALL_TIMEOUT_MS = 2_000
_NOT_YET_INITIALIZED = 94

Client = MongoClient[dict[str, Any]]


def embedded_uri(port: int) -> str:
    """Return the connection string of the one-member replica set on ``port``."""
    return f"mongodb://{LOOPBACK}:{port}/?replicaSet={REPLICA_SET}"


def direct_client(port: int) -> Client:
    """Return a client of the one server on ``port``, whatever its role; calls are bounded."""
    return MongoClient(
        LOOPBACK,
        port,
        directConnection=True,
        serverSelectionTimeoutMS=CALL_TIMEOUT_MS,
        connectTimeoutMS=CALL_TIMEOUT_MS,
        # Forming the set waits for the disk.
        socketTimeoutMS=10 * CALL_TIMEOUT_MS,
    )


def answers(client: Client) -> bool:
    """Say whether the server answers at all."""
    try:
        client.admin.command("ping")
    except PyMongoError:
        return False
    return True


def is_primary(client: Client) -> bool:
    """Say whether the server takes writes as the primary of its set."""
    try:
        return bool(client.admin.command("hello").get("isWritablePrimary"))
    except PyMongoError:
        return False


def join(client: Client, host: str) -> None:
    """Make the server the set's only member ``host``, whatever address its data knew before.

    Raises ``StackError`` if the server refuses.
    """
    member = {"_id": 0, "host": host}
    try:
        config = _stored_config(client)
        if config is None:
            initial = {"_id": REPLICA_SET, "members": [member]}
            client.admin.command("replSetInitiate", initial)
        elif [known["host"] for known in config["members"]] != [host]:
            config |= {"members": [member], "version": config["version"] + 1}
            # A server that finds itself under no address of its set takes no ordinary change.
            client.admin.command("replSetReconfig", config, force=True)
    except PyMongoError as error:
        raise StackError(f"mongod cannot form its replica set: {error}") from error


def _stored_config(client: Client) -> dict[str, Any] | None:
    try:
        config: dict[str, Any] = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code == _NOT_YET_INITIALIZED:
            return None
        raise
    return config
