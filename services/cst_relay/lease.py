"""Leadership: one relay of a feed at a time sends, the others wait hot."""

from __future__ import annotations

import asyncio
import time

import structlog
from pymongo.errors import PyMongoError

from cst_mongo.leases import Lease, Leases
from cst_relay.errors import LeaseLost

log = structlog.get_logger(__name__)

#: A lease is renewed this many times in its time to live.
_RENEWALS = 4


class Leadership:
    """A lease that this relay holds and keeps."""

    def __init__(self, leases: Leases, lease: Lease, held_since: float) -> None:
        self._leases = leases
        self._lease = lease
        self._renewed = held_since

    @classmethod
    async def acquire(cls, leases: Leases, name: str, holder: str) -> Leadership | None:
        """Take the lease ``name``; None where another holds it."""
        asked = time.monotonic()
        lease = await leases.acquire(name, holder)
        return None if lease is None else cls(leases, lease, asked)

    @property
    def epoch(self) -> int:
        return self._lease.epoch

    def check(self) -> None:
        """Raise ``LeaseLost`` where the lease may have ended, for example after a pause."""
        if time.monotonic() - self._renewed >= self._leases.ttl_s:
            raise LeaseLost(f"{self._lease.name}: not renewed in time")

    async def keep(self) -> None:
        """Renew the lease until cancelled; raises ``LeaseLost``."""
        while True:
            await asyncio.sleep(self._leases.ttl_s / _RENEWALS)
            asked = time.monotonic()
            try:
                kept = await asyncio.wait_for(self._leases.renew(self._lease), self._leases.ttl_s)
            except (PyMongoError, TimeoutError) as error:
                log.warning("lease not renewed", lease=self._lease.name, error=str(error)[:200])
            else:
                if not kept:
                    raise LeaseLost(f"{self._lease.name}: another relay took it")
                self._renewed = asked
            self.check()

    async def release(self) -> None:
        """Give the lease back; it ends by itself where the database cannot be reached."""
        try:
            await asyncio.wait_for(self._leases.release(self._lease), self._leases.ttl_s)
        except (PyMongoError, TimeoutError) as error:
            log.warning("lease not released", lease=self._lease.name, error=str(error)[:200])
