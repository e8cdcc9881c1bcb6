"""FastStream's broker with the options that make it at-least-once."""

from __future__ import annotations

import logging
from typing import Any

from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from cst_bus.processor import Processor
from cst_bus.states import StateProcessor
from cst_bus.topics_admin import physical
from cst_contracts.topics import Topic

BATCH_RECORDS = 500
BATCH_WAIT_MS = 50


def make_broker(bootstrap: str) -> KafkaBroker:
    """Return a broker; handlers take the raw records, so nothing is decoded twice."""
    logger = logging.getLogger("cst.consumer")
    logger.setLevel(logging.ERROR)  # it warns of what is meant: topics are made elsewhere
    return KafkaBroker(
        bootstrap,
        allow_auto_create_topics=False,
        apply_types=False,
        logger=logger,
    )


async def _raw_records(message: Any) -> list[Any]:
    return list(message.raw_message)


def subscribe(
    broker: KafkaBroker,
    topic: Topic,
    processor: Processor | StateProcessor,
    *,
    group: str,
    prefix: str,
    batch: int = BATCH_RECORDS,
) -> None:
    """Let ``processor`` consume ``topic`` in ``group``, up to ``batch`` records at a time.

    The offset is committed only after the batch has had its effect; when the process ends in the
    middle, the batch comes again and the marks drop what was done.
    """
    subscriber = broker.subscriber(
        physical(topic.name, prefix),
        group_id=prefix + group,
        batch=True,
        max_records=batch,
        batch_timeout_ms=BATCH_WAIT_MS,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        decoder=_raw_records,
        title=f"{topic.name}:{group}",
    )
    subscriber(processor.process)
