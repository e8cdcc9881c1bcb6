"""The dead-letter topic: what could not be handled, with why and where it came from."""

from __future__ import annotations

from aiokafka import AIOKafkaProducer
from aiokafka.structs import ConsumerRecord

from cst_bus.metrics import DEAD


class DeadLetters:
    """Sends records to ``<topic>.dlq``, key and body unchanged, the reason in headers."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def send(
        self, record: ConsumerRecord[bytes, bytes], *, consumer: str, error: BaseException | str
    ) -> None:
        """Send ``record``; returns once the broker has it.

        Args:
            record: what could not be handled.
            consumer: who could not handle it.
            error: why.
        """
        reason = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        kept = [(k, v) for k, v in record.headers if not k.startswith("cst_dlq_")]
        headers = [
            *kept,
            ("cst_dlq_consumer", consumer.encode()),
            ("cst_dlq_error", reason[:2000].encode()),
            ("cst_dlq_topic", record.topic.encode()),
            ("cst_dlq_partition", str(record.partition).encode()),
            ("cst_dlq_offset", str(record.offset).encode()),
        ]
        await self._producer.send_and_wait(
            f"{record.topic}.dlq", key=record.key, value=record.value, headers=headers
        )
        DEAD.labels(consumer).inc()
