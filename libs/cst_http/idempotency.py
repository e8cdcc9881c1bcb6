"""Idempotency keys: the same key and body again is the same request, not another one."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

import orjson
from fastapi import Header
from pydantic import BaseModel
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from cst_core.clock import wall_now
from cst_core.errors import IdempotencyMismatch
from cst_http.tokens import Caller
from cst_ledger.chain import canonical
from cst_mongo.client import Database, Session
from cst_mongo.indexes import CollectionSpec
from cst_mongo.transactions import transact

#: How long a key is remembered after its use.
KEY_TTL = timedelta(days=90)

IDEMPOTENCY = CollectionSpec(
    "idempotency_keys", (IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),)
)
#: The header of the routes that take a key.
KeyHeader = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$"),
]
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class UsedKey:
    """A key as one call uses it: it counts for its caller alone; anonymous ones share theirs."""

    scope: str
    digest: str

    @classmethod
    def of(cls, caller: Caller, key: str | None, body: BaseModel) -> UsedKey | None:
        """Return the key of a call, or None where it came without one."""
        if key is None:
            return None
        digest = hashlib.sha256(canonical(body.model_dump(mode="json"))).hexdigest()
        return cls(orjson.dumps([caller.subject, key]).decode(), digest)


class IdempotencyKeys:
    """Remembers which request each key has made."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._keys = db[IDEMPOTENCY.name]

    async def made(self, key: UsedKey | None) -> str | None:
        """Return the request that the key has made before, None where it is new.

        Raises:
            IdempotencyMismatch: it was used with another body.
        """
        row = None if key is None else await self._keys.find_one({"_id": key.scope})
        if key is None or row is None:
            return None
        if row["digest"] != key.digest:
            raise IdempotencyMismatch(
                "this Idempotency-Key was used before with another body; use a new key",
                [{"field": "Idempotency-Key", "message": "was used with another body"}],
            )
        request_id: str = row["request_id"]
        return request_id

    async def once(
        self,
        key: UsedKey | None,
        request_id: str,
        write: Callable[[Session], Awaitable[Document]],
    ) -> Document | str:
        """Run ``write`` in a transaction that uses up the key.

        Returns:
            What ``write`` returned, or the request that another call has made meanwhile.

        Raises:
            IdempotencyMismatch: that other call had another body.
        """

        async def use_and_write(session: Session) -> Document:
            if key is not None:
                await self._use(key, request_id, session)
            return await write(session)

        try:
            return await transact(self._db, use_and_write)
        except DuplicateKeyError:
            if (made := await self.made(key)) is None:
                raise
            return made

    async def _use(self, key: UsedKey, request_id: str, session: Session) -> None:
        row = {
            "_id": key.scope,
            "digest": key.digest,
            "request_id": request_id,
            "expires_at": wall_now() + KEY_TTL,
        }
        await self._keys.insert_one(row, session=session)
