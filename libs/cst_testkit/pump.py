"""Events to their consumers without a broker: every worker's handlers, over the ledger itself."""

from __future__ import annotations

from collections.abc import Iterable

from app.registry import WORKERS
from cst_bus.processor import Processor
from cst_ledger.ledger import LOGS
from cst_process.core import Core
from cst_testkit.records import Record, RecordingDeadLetters, record_of


class Pump:
    """Carries new events to the handlers of some workers (default: all) until none are left."""

    def __init__(self, core: Core, workers: Iterable[str] = tuple(WORKERS)) -> None:
        self._core = core
        self._next_seq: dict[str, int] = {}
        self._offset = 0
        self.dead_letters = RecordingDeadLetters()
        self._processors = [
            Processor(core.db, sub.handler, self.dead_letters, marks=sub.marks, chunk=sub.chunk)
            for name in workers
            for sub in WORKERS[name].build(core).subscriptions
        ]

    async def drain(self) -> None:
        """Deliver what is new, and what that brings about, until nothing is."""
        while records := await self._new_records():
            for processor in self._processors:
                await processor.process(records)
        assert not self.dead_letters.sent, f"dead letters: {self.dead_letters.sent}"

    async def _new_records(self) -> list[Record]:
        records = []
        cursor = self._core.db[LOGS.name].find().sort([("request_id", 1), ("bucket", 1)])
        async for log in cursor:
            for event in log["event_stream"]:
                if event["seq"] >= self._next_seq.get(event["subject"], 0):
                    self._next_seq[event["subject"]] = event["seq"] + 1
                    records.append(record_of(event, offset=self._offset))
                    self._offset += 1
        return records
