"""An S3 API on this machine, and the stores of evidence over each kind of storage."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from minio import Minio
from moto.server import ThreadedMotoServer

from cst_core.settings import Settings, load_settings
from cst_intake.evidence_store import EvidenceStore, evidence_store
from cst_mongo.client import Database

KEYS = {"s3_access_key": "test", "s3_secret_key": "test"}


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    """The address of an S3 API that holds nothing."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"{host}:{port}"
    finally:
        server.stop()


@pytest.fixture
def s3_values(s3_address: str) -> dict[str, Any]:
    """Settings of a store in a fresh bucket."""
    bucket = f"evidence-{uuid.uuid4().hex[:12]}"
    Minio(s3_address, "test", "test", secure=False, region="us-east-1").make_bucket(bucket)
    return {
        "evidence_store": "s3",
        "s3_endpoint": f"http://{s3_address}",
        "s3_bucket": bucket,
        **KEYS,
    }


@pytest.fixture(params=["gridfs", "s3"])
def store(request: pytest.FixtureRequest, db: Database) -> EvidenceStore:
    """A store over each kind of storage."""
    values = {} if request.param == "gridfs" else request.getfixturevalue("s3_values")
    return evidence_store(load_settings(Settings, _env_file=None, **values), db)
