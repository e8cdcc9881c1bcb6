"""Every collection, its indexes and its options, for ``cst db migrate``."""

from __future__ import annotations

from cst_bus.dead_letter_notes import NOTES
from cst_bus.marks import MARKS
from cst_city import store
from cst_dispatch.acceptance import ACCEPTANCE
from cst_dispatch.queue import QUEUE
from cst_geo_analytics import repository as geo
from cst_http.idempotency import IDEMPOTENCY
from cst_inbox import DELIVERIES, NOTICES
from cst_intake import evidence
from cst_intake import repository as intake
from cst_ledger.ledger import LOGS, REQUESTS
from cst_ledger.rules_store import RULES
from cst_mongo.clocks import CLOCKS
from cst_mongo.counters import COUNTERS
from cst_mongo.indexes import CollectionSpec
from cst_mongo.leases import LEASES
from cst_process.heartbeat import PROCESSES
from cst_relay.checkpoint import CHECKPOINTS
from cst_relay.orders import ORDERS
from cst_sla import repository as sla
from cst_workflow.duplicates import repository as duplicates

COLLECTIONS: tuple[CollectionSpec, ...] = (
    REQUESTS,
    LOGS,
    RULES,
    NOTICES,
    DELIVERIES,
    IDEMPOTENCY,
    MARKS,
    NOTES,
    COUNTERS,
    LEASES,
    CLOCKS,
    CHECKPOINTS,
    ORDERS,
    PROCESSES,
    *store.SPECS,
    *intake.SPECS,
    *evidence.SPECS,
    *duplicates.SPECS,
    QUEUE,
    ACCEPTANCE,
    *sla.SPECS,
    *geo.SPECS,
)
