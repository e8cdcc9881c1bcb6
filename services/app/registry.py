"""Every service, its collections and its processes."""

from __future__ import annotations

from cst_bus.dead_letter_notes import NOTES
from cst_bus.marks import MARKS
from cst_city import store
from cst_dispatch import main as dispatch
from cst_dispatch import repository as dispatch_repository
from cst_geo_analytics import main as geo
from cst_geo_analytics import repository as geo_repository
from cst_http.app import ServiceApi
from cst_http.idempotency import IDEMPOTENCY
from cst_inbox import DELIVERIES, NOTICES
from cst_intake import evidence
from cst_intake import main as intake
from cst_intake import repository as intake_repository
from cst_ledger.ledger import LOGS, REQUESTS
from cst_ledger.rules_store import RULES
from cst_mongo.clocks import CLOCKS
from cst_mongo.counters import COUNTERS
from cst_mongo.indexes import CollectionSpec
from cst_mongo.leases import LEASES
from cst_process.heartbeat import PROCESSES
from cst_process.projection import ProjectionSpec
from cst_process.worker import ServiceWorker
from cst_relay.checkpoint import CHECKPOINTS
from cst_relay.orders import ORDERS
from cst_sla import main as sla
from cst_sla import repository as sla_repository
from cst_workflow import main as workflow
from cst_workflow.duplicates import repository as duplicates_repository

APIS: dict[str, ServiceApi] = {
    api.name: api for api in (intake.API, workflow.API, dispatch.API, sla.API, geo.API)
}
WORKERS: dict[str, ServiceWorker] = {
    worker.name: worker
    for worker in (intake.WORKER, workflow.WORKER, dispatch.WORKER, sla.WORKER, geo.WORKER)
}
PROJECTIONS: dict[str, ProjectionSpec] = {
    spec.name: spec for spec in (*geo.PROJECTIONS, *sla.PROJECTIONS, *dispatch.PROJECTIONS)
}
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
    *intake_repository.SPECS,
    *evidence.SPECS,
    *duplicates_repository.SPECS,
    *dispatch_repository.SPECS,
    *sla_repository.SPECS,
    *geo_repository.SPECS,
)
