"""Events to their consumers without a broker: every worker's handlers, over the ledger itself."""

from __future__ import annotations

from collections.abc import Iterable

from app.registry import WORKERS
from cst_bus.processor import Processor
from cst_city.store import AGENTS
from cst_dispatch.working_off import QueueWork
from cst_ledger.ledger import LOGS
from cst_mongo.client import Document
from cst_process.core import Core
from cst_testkit.records import Record, RecordingDeadLetters, record_of


class Pump:
    """Carries new events to the handlers of some workers (default: all) until none are left."""

    def __init__(self, core: Core, workers: Iterable[str] = tuple(WORKERS)) -> None:
        self._core = core
        self._next_seq: dict[str, int] = {}
        self._offset = 0
        self._agents: dict[str, Document] = {}
        self.dead_letters = RecordingDeadLetters()
        works = [WORKERS[name].build(core) for name in workers]
        self._processors = [
            Processor(core.db, sub.handler, self.dead_letters, marks=sub.marks, chunk=sub.chunk)
            for work in works
            for sub in work.subscriptions
        ]
        self._watches = [watch for work in works for watch in work.watches]
        self._queue = QueueWork(core) if "dispatch" in workers else None

    async def drain(self) -> None:
        """Deliver what is new, and what that brings about, until nothing is."""
        while await self._deliver() or await self._tell_of_agents() or await self._work_off():
            pass
        assert not self.dead_letters.sent, f"dead letters: {self.dead_letters.sent}"

    async def _deliver(self) -> bool:
        records = await self._new_records()
        for processor in self._processors if records else ():
            await processor.process(records)
        return bool(records)

    async def _tell_of_agents(self) -> bool:
        """Tell who watches the agents' states of those that have changed."""
        found = await self._core.db[AGENTS.name].find().to_list()
        now = {str(agent["_id"]): agent for agent in found}
        changed = [key for key, agent in now.items() if self._agents.get(key) != agent]
        self._agents = now
        for watch in self._watches if changed else ():
            await watch.handler.changed(changed)
        return bool(changed and self._watches)

    async def _work_off(self) -> bool:
        """Let dispatch look at its queue, as its loop does."""
        return self._queue is not None and await self._queue.work_off() > 0

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
