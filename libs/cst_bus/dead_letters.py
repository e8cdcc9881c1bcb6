"""The dead-letter topic: what could not be handled, with why and where it came from."""

from __future__ import annotations

from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.structs import ConsumerRecord

from cst_bus.metrics import DEAD
from cst_bus.producer import sendable_key

#: Headers of dead letters; the record's own are kept beside them.
CONSUMER = "cst_dlq_consumer"
ERROR = "cst_dlq_error"
#: The request that is parked for it; none where nobody waits for it.
REQUEST = "cst_dlq_request"
TOPIC = "cst_dlq_topic"
PARTITION = "cst_dlq_partition"
OFFSET = "cst_dlq_offset"
#: Bytes that the value had, where only its beginning could be sent.
CUT_FROM = "cst_dlq_cut_from"
_OWN = "cst_dlq_"

MAX_REASON = 2_000
#: Bytes kept of a value, and of a key, that is too large to be sent beside the reason.
CUT_VALUE = 100_000
CUT_KEY = 1_000

Headers = Sequence[tuple[str, bytes]]


def reason_of(error: BaseException | str) -> str:
    """Return why something failed, as text that can be stored and sent."""
    text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    return text[:MAX_REASON].encode(errors="replace").decode()


class DeadLetters:
    """Sends records to ``<topic>.dlq``, key and body unchanged, the reason in headers."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def send(
        self,
        record: ConsumerRecord[bytes, bytes],
        *,
        consumer: str,
        error: BaseException | str,
        request_id: str | None = None,
    ) -> None:
        """Send ``record``; returns once the broker has it.

        A record that is too large beside its reason (what comes compressed may be of any size) is
        cut, so that it cannot hold up its consumer for ever; where it came from is kept.

        Args:
            record: what could not be handled.
            consumer: who could not handle it.
            error: why.
            request_id: the request that is parked for it.

        Raises:
            aiokafka.errors.KafkaError: the broker has not taken it.
        """
        topic, own = f"{record.topic}.dlq", _headers(record, consumer, error, request_id)
        kept = [(k, v) for k, v in record.headers if not k.startswith(_OWN)]
        key = sendable_key(record.key, record.value)
        try:
            await self._producer.send_and_wait(
                topic, key=key, value=record.value, headers=[*kept, *own]
            )
        except MessageSizeTooLargeError:
            own = [*own, (CUT_FROM, b"%d" % len(record.value or b""))]
            key, value = (record.key or b"")[:CUT_KEY], (record.value or b"")[:CUT_VALUE]
            await self._producer.send_and_wait(topic, key=key, value=value, headers=own)
        DEAD.labels(consumer).inc()


def _headers(
    record: ConsumerRecord[bytes, bytes],
    consumer: str,
    error: BaseException | str,
    request_id: str | None,
) -> Headers:
    parked = [] if request_id is None else [(REQUEST, request_id.encode())]
    return [
        (CONSUMER, consumer.encode()),
        (ERROR, reason_of(error).encode()),
        *parked,
        (TOPIC, record.topic.encode()),
        (PARTITION, b"%d" % record.partition),
        (OFFSET, b"%d" % record.offset),
    ]
