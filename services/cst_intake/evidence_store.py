"""Where files of evidence are kept: in the database (GridFS), or elsewhere by an S3 API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Protocol

from gridfs import NoFile
from gridfs.asynchronous import AsyncGridFSBucket
from pymongo import ASCENDING, IndexModel

from cst_core.settings import Settings
from cst_http.middleware import database_deadline
from cst_mongo.client import Database
from cst_mongo.indexes import CollectionSpec

_BUCKET = "evidence"
_PIECE = 255 * 1024
#: The two collections of GridFS, with the indexes that it looks for.
FILES = CollectionSpec(
    f"{_BUCKET}.files", (IndexModel([("filename", ASCENDING), ("uploadDate", ASCENDING)]),)
)
CHUNKS = CollectionSpec(
    f"{_BUCKET}.chunks", (IndexModel([("files_id", ASCENDING), ("n", ASCENDING)], unique=True),)
)


@dataclass(frozen=True, slots=True)
class FileKey:
    """The name of a stored file."""

    request_id: str
    evidence_id: str


class EvidenceStore(Protocol):
    """Keeps files by their keys; ``Unavailable`` or a database error where it cannot."""

    async def put(self, key: FileKey, file: BinaryIO, size: int, media_type: str) -> None:
        """Store a file from its start; nothing is left of one that cannot be stored whole."""

    async def open(self, key: FileKey) -> AsyncIterator[bytes] | None:
        """Return the pieces of a file; None where there is none."""

    async def delete(self, key: FileKey) -> None:
        """Remove a file; harmless where there is none."""

    def older_than(self, instant: datetime) -> AsyncIterator[FileKey]:
        """Yield the files that were stored before a wall time."""

    async def sweep_remains(self, instant: datetime) -> int:
        """Remove what is left of uploads that broke off before a wall time; return how many."""


class GridFsStore:
    """Files in the city's database."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._bucket = AsyncGridFSBucket(db, _BUCKET)

    async def put(self, key: FileKey, file: BinaryIO, size: int, media_type: str) -> None:
        """Store a file; see ``EvidenceStore``."""
        metadata = {"media_type": media_type}
        stream = self._bucket.open_upload_stream_with_id(
            key.evidence_id, key.request_id, metadata=metadata
        )
        try:
            while piece := file.read(_PIECE):
                await stream.write(piece)
            await stream.close()
        except BaseException:
            await stream.abort()
            raise

    async def open(self, key: FileKey) -> AsyncIterator[bytes] | None:
        """Return the pieces of a file; see ``EvidenceStore``."""
        try:
            with database_deadline():
                stream = await self._bucket.open_download_stream(key.evidence_id)
        except NoFile:
            return None

        async def pieces() -> AsyncIterator[bytes]:
            while True:
                with database_deadline():
                    piece = await stream.readchunk()
                if not piece:
                    return
                yield piece

        return pieces()

    async def delete(self, key: FileKey) -> None:
        """Remove a file; see ``EvidenceStore``."""
        try:
            await self._bucket.delete(key.evidence_id)
        except NoFile:
            return

    async def older_than(self, instant: datetime) -> AsyncIterator[FileKey]:
        """Yield files; see ``EvidenceStore``."""
        wanted = {"uploadDate": {"$lt": instant}}
        async for row in self._db[FILES.name].find(wanted, {"filename": 1}):
            yield FileKey(row["filename"], row["_id"])

    async def sweep_remains(self, instant: datetime) -> int:
        """Remove chunks whose file was never completed; see ``EvidenceStore``."""
        join = {"from": FILES.name, "localField": "files_id", "foreignField": "_id", "as": "file"}
        pipeline: list[dict[str, Any]] = [
            {"$match": {"n": 0}},
            {"$project": {"files_id": 1}},
            {"$lookup": join},
            {"$match": {"file": []}},
        ]
        swept = 0
        async for row in await self._db[CHUNKS.name].aggregate(pipeline):
            if row["_id"].generation_time < instant:
                await self._db[CHUNKS.name].delete_many({"files_id": row["files_id"]})
                swept += 1
        return swept


def evidence_store(settings: Settings, db: Database) -> EvidenceStore:
    """Return the store that is set.

    Raises:
        ConfigError: a setting of the S3 API is missing.
    """
    if settings.evidence_store == "gridfs":
        return GridFsStore(db)
    # The client and what it needs are loaded only where they are used.
    from cst_intake.evidence_s3 import S3Store

    return S3Store(settings)
