"""Files of evidence by an S3 API: AWS, MinIO, Ceph and others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import BinaryIO, TypeVar
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.datatypes import Object
from minio.error import MinioException, S3Error

from cst_core.errors import ConfigError, Unavailable
from cst_core.settings import Settings
from cst_intake.evidence_store import FileKey

T = TypeVar("T")

_PIECE = 255 * 1024
_LISTED = 1000
_CONNECT_S, _READ_S = 3, 15


class S3Store:
    """Files in a bucket, as ``<request_id>/<evidence_id>``; the bucket exists."""

    def __init__(self, settings: Settings) -> None:
        self._bucket = settings.s3_bucket
        self._client = _client(settings)

    async def put(self, key: FileKey, file: BinaryIO, size: int, media_type: str) -> None:
        """Store a file; S3 shows it when it is whole, or never."""

        def put() -> None:
            self._client.put_object(self._bucket, _name(key), file, size, media_type)

        await _call(put)

    async def open(self, key: FileKey) -> AsyncIterator[bytes] | None:
        """Return the pieces of a file; None where there is none."""
        try:
            answer = await _call(lambda: self._client.get_object(self._bucket, _name(key)))
        except S3Error as error:
            if error.code == "NoSuchKey":
                return None
            raise Unavailable(f"the store of evidence says {error.code}") from None

        async def pieces() -> AsyncIterator[bytes]:
            try:
                while piece := await _call(lambda: answer.read(_PIECE)):
                    yield piece
            finally:
                answer.close()
                answer.release_conn()

        return pieces()

    async def delete(self, key: FileKey) -> None:
        """Remove a file; S3 minds none that is not there."""
        await _call(lambda: self._client.remove_object(self._bucket, _name(key)))

    async def older_than(self, instant: datetime) -> AsyncIterator[FileKey]:
        """Yield the files that were stored before a wall time."""
        listing: Iterator[Object] = iter(self._client.list_objects(self._bucket, recursive=True))
        while found := await _call(lambda: list(islice(listing, _LISTED))):
            for item in found:
                request_id, _, evidence_id = (item.object_name or "").partition("/")
                stored_at = item.last_modified
                if evidence_id and stored_at is not None and stored_at < instant:
                    yield FileKey(request_id, evidence_id)

    async def sweep_remains(self, instant: datetime) -> int:
        """Nothing remains: what was not stored whole is not there."""
        return 0


def _name(key: FileKey) -> str:
    return f"{key.request_id}/{key.evidence_id}"


def _client(settings: Settings) -> Minio:
    parts = urlsplit(settings.s3_endpoint)
    secret = settings.s3_secret_key
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
        raise ConfigError(
            f"CST_S3_ENDPOINT={settings.s3_endpoint!r}: must be like https://s3.example.org"
        )
    if not settings.s3_access_key or secret is None:
        raise ConfigError("CST_EVIDENCE_STORE=s3 needs CST_S3_ACCESS_KEY and CST_S3_SECRET_KEY")
    return Minio(
        parts.netloc,
        access_key=settings.s3_access_key,
        secret_key=secret.get_secret_value(),
        region=settings.s3_region,
        secure=parts.scheme == "https",
        http_client=urllib3.PoolManager(
            maxsize=16,
            timeout=urllib3.Timeout(connect=_CONNECT_S, read=_READ_S),
            retries=urllib3.Retry(total=2, backoff_factor=0.2, status_forcelist=(500, 502, 503)),
        ),
    )


async def _call(work: Callable[[], T]) -> T:
    """Run blocking work in a thread.

    Raises:
        S3Error: the API has answered with an error.
        Unavailable: it cannot be reached.
    """
    try:
        return await asyncio.to_thread(work)
    except S3Error as error:
        if error.code == "NoSuchKey":
            raise
        raise Unavailable(f"the store of evidence says {error.code}") from None
    except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
        raise Unavailable(f"the store of evidence fails: {type(error).__name__}") from None
