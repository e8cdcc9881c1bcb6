"""The producer: every record acknowledged by all replicas, compressed, in order per partition."""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerClosed

#: Largest batch of one partition, in bytes before compression; a broker takes 1 MB by default.
MAX_BATCH_BYTES = 512 * 1024
#: How long single records wait for company, in milliseconds.
LINGER_MS = 5
#: How long a request may take, in milliseconds; so long a broker that hangs can hold up a stop.
REQUEST_TIMEOUT_MS = 10_000
#: How long a transaction may stay open before the broker aborts it, in milliseconds. Until then a
#: producer that died keeps readers of committed records waiting, unless a successor comes.
TRANSACTION_TIMEOUT_MS = 60_000


def make_producer(
    bootstrap: str, *, idempotent: bool, transactional_id: str | None = None
) -> AIOKafkaProducer:
    """Return a producer that is not started yet; call it inside the event loop it will run in.

    Args:
        bootstrap: ``host:port,…`` of the broker.
        idempotent: whether the broker can drop what is sent twice after a lost answer (Apache
            Kafka can, the embedded broker cannot). Such a producer never gives up on a batch by
            itself: bound the wait for its acknowledgement.
        transactional_id: the producer sends in transactions only, and its start shuts out every
            earlier producer of this id; needs an idempotent one.
    """
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=idempotent,
        transactional_id=transactional_id,
        transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        compression_type="lz4",
        linger_ms=LINGER_MS,
        max_batch_size=MAX_BATCH_BYTES,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
    )


def sendable_key(key: bytes | None, value: bytes | None) -> bytes | None:
    """Return the key under which a record can be sent: the client refuses one with neither."""
    return b"" if key is None and value is None else key


async def start_pinned(producer: AIOKafkaProducer) -> None:
    """Start a producer that fails for good once its connection is lost.

    The embedded broker comes back empty. A producer that follows it there delivers what it holds
    before everything that has to be sent again.

    Raises:
        aiokafka.errors.KafkaError: the broker cannot be reached.
    """
    client, lost = producer.client, asyncio.Event()
    send = client.send

    async def send_or_fail(node_id: int, request: Any, **options: Any) -> Any:
        if lost.is_set():
            raise KafkaError("the embedded broker closed the connection")
        return await send(node_id, request, **options)

    client.send = send_or_fail
    client._on_connection_closed = lambda connection, reason: lost.set()
    await producer.start()
    for broker in client.cluster.brokers():
        if not await client.ready(broker.nodeId):
            raise KafkaError("the embedded broker cannot be reached")


async def abort(producer: AIOKafkaProducer, timeout_s: float) -> None:
    """Close a producer without sending what it still holds; takes ``timeout_s`` at most.

    ``stop`` would first deliver everything, which a leader that lost its lease must not do and
    an absent broker makes impossible.
    """
    producer._message_accumulator.fail_all(ProducerClosed())
    try:
        await asyncio.wait_for(producer.stop(), timeout_s)
    except TimeoutError:
        # The request under way ends by its own timeout; nothing follows it.
        await producer.client.close()
