"""Look at servers that somebody else runs before the services depend on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymongo import MongoClient
from pymongo.errors import ConfigurationError, InvalidURI, OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from cst_stack.errors import StackError
from cst_stack.ports import accepts

ANSWER_MS = 3_000
_CREDENTIALS_REFUSED = (13, 18)


def check_external(mongo_uri: str) -> None:
    """Check that ``mongo_uri`` leads to a replica set or a sharded cluster.

    Waits at most about 6 seconds. Raises ``StackError`` if the string cannot be parsed, nobody
    answers, the credentials are refused, the set has another name, or the server is a
    standalone, which has neither transactions nor change streams.
    """
    parsed = _parse(mongo_uri)
    where = ",".join(f"{host}:{port}" for host, port in parsed["nodelist"])
    try:
        hello = _hello(MongoClient(mongo_uri, serverSelectionTimeoutMS=ANSWER_MS))
    except OperationFailure as error:
        if error.code in _CREDENTIALS_REFUSED:
            raise StackError(
                f"MongoDB at {where} refuses the user or password of MONGO_URI"
            ) from error
        raise StackError(f"MongoDB at {where} answers with an error: {error}") from error
    except PyMongoError as error:
        raise StackError(_why_no_answer(parsed, where)) from error
    problem = _problem(hello, where, None)
    if problem:
        raise StackError(problem)


def check_external_broker(bootstrap_servers: str) -> None:
    """Check that at least one of ``host:port,…`` accepts connections (2 s each).

    Raises ``StackError`` if none does or the list cannot be parsed.
    """
    for server in bootstrap_servers.split(","):
        host, _, port = server.strip().rpartition(":")
        if not host or not port.isdigit():
            raise StackError(
                f"KAFKA_BOOTSTRAP_SERVERS: {server.strip()!r} is not of the form host:port"
            )
        if accepts(host.strip("[]"), int(port), timeout=2.0):
            return
    raise StackError(
        f"no Kafka broker accepts connections at {bootstrap_servers}; "
        "start it or correct KAFKA_BOOTSTRAP_SERVERS"
    )


def _parse(mongo_uri: str) -> Mapping[str, Any]:
    try:
        return parse_uri(mongo_uri)
    except (InvalidURI, ConfigurationError, ValueError) as error:
        raise StackError(f"MONGO_URI is not a MongoDB connection string: {error}") from error


def _hello(client: MongoClient[dict[str, Any]]) -> dict[str, Any]:
    with client:
        return client.admin.command("hello")


def _why_no_answer(parsed: Mapping[str, Any], where: str) -> str:
    """Ask the first server alone, whatever its role, why the set as a whole did not answer."""
    host, port = parsed["nodelist"][0]
    options = parsed["options"]
    try:
        hello = _hello(
            MongoClient(
                host,
                port,
                directConnection=True,
                tls=bool(options.get("tls")),
                serverSelectionTimeoutMS=ANSWER_MS,
            )
        )
    except PyMongoError:
        return f"no MongoDB answers at {where}; start it or correct MONGO_URI"
    problem = _problem(hello, where, options.get("replicaSet"))
    return problem or f"the replica set at {where} has no primary; look at its members"


def _problem(hello: dict[str, Any], where: str, wanted: str | None) -> str | None:
    name = hello.get("setName")
    if hello.get("msg") == "isdbgrid" or (name and wanted in (None, name)):
        return None
    if name:
        return (
            f"MongoDB at {where} is a member of the replica set {name!r}, but MONGO_URI says "
            f"{wanted!r}; set replicaSet={name}"
        )
    if hello.get("isreplicaset"):
        return f"the replica set at {where} is not initiated yet; run rs.initiate() on it"
    return (
        f"MongoDB at {where} is a standalone server, which has no transactions and no change "
        "streams; start it with --replSet and run rs.initiate()"
    )
