"""Rule sets: listed, stored as new versions, and adopted by what is bound to others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cst_contracts.workflow import Adoption, AdoptRules, IllegalRequest, WorkflowRules
from cst_core.errors import InvalidInput, NotFound
from cst_http.tokens import Caller
from cst_ledger.events import By, Document
from cst_ledger.rule_checks import Fault, RulesError
from cst_ledger.rules import RuleSet, parse_rules
from cst_ledger.rules_store import learn, learn_all, store_rules
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_workflow.domain.adoption import obstacle, rules_changed
from cst_workflow.repository import WorkflowRepository

#: Requests moved in one transaction.
BATCH = 50
#: Illegal requests that an answer names; the rest is counted.
NAMED = 500


class RuleAdmin:
    """Keeps the versions of the lifecycle's rules."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ledger = core.ledger("workflow")
        self._repository = WorkflowRepository(core.db)

    async def all(self) -> list[RuleSet]:
        """Return every stored version, oldest first."""
        await learn_all(self._core.rules, self._core.db)
        return sorted(self._core.rules.all(), key=_order)

    async def get(self, version: str) -> RuleSet:
        """Return a version; ``NotFound`` where there is none."""
        await learn(self._core.rules, self._core.db, version)
        if not self._core.rules.knows(version):
            raise NotFound(f"no rules {version}", version=version)
        return self._core.rules.version(version)

    async def store(self, command: WorkflowRules) -> RuleSet:
        """Store a new version.

        Raises:
            InvalidInput: every fault of it, or a category that the city does not have.
            Conflict: the version exists.
        """
        try:
            rules = parse_rules(command.model_dump())
        except RulesError as error:
            raise InvalidInput(
                str(error), [_field_error(fault) for fault in error.faults]
            ) from None
        categories = (await self._core.catalog.get()).categories
        for position, edge in enumerate(rules.edges):
            for name in edge.required_by_category:
                if name not in categories:
                    raise InvalidInput.field(
                        f"edges.{position}.required_by_category",
                        "is not a category of this city",
                        name,
                        list(categories),
                    )
        await store_rules(self._core.db, rules)
        self._core.rules.add(rules)
        return rules

    async def adopt(self, version: str, command: AdoptRules, caller: Caller) -> Adoption:
        """Bind what is not closed to a version, or say what that would do.

        Batch by batch: ended halfway it leaves the rest as it was, and can be repeated.

        Raises:
            NotFound: there is no such version.
            InvalidInput: ``from_version`` is none.
        """
        rules = await self.get(version)
        await self._check_known(command.from_version)
        by = By(caller.actor_type, caller.actor_id)
        legal, illegal, named = 0, 0, list[IllegalRequest]()
        batches = self._repository.bound_to_others(version, command.from_version, BATCH)
        async for batch in batches:
            fitting = [row["request_id"] for row in batch if obstacle(row, rules) is None]
            refused = [_illegal(row, why) for row in batch if (why := obstacle(row, rules))]
            if not command.dry_run:
                moved, late = await self._move(fitting, rules, command.from_version, by)
                legal, refused = legal + moved, refused + late
            else:
                legal += len(fitting)
            illegal += len(refused)
            named += refused[: NAMED - len(named)]
        return Adoption(
            version=version,
            dry_run=command.dry_run,
            legal=legal,
            illegal=illegal,
            illegal_requests=named,
        )

    async def _check_known(self, version: str | None) -> None:
        if version is None:
            return
        await learn(self._core.rules, self._core.db, version)
        if not self._core.rules.knows(version):
            known = [rules.version for rules in await self.all()]
            raise InvalidInput.field("from_version", "is not a stored version", version, known)

    async def _move(
        self, request_ids: Sequence[str], rules: RuleSet, from_version: str | None, by: By
    ) -> tuple[int, list[IllegalRequest]]:
        """Move some requests in a transaction, judged as they stand in it.

        Returns:
            How many were moved, and those that have no place there any more.
        """

        async def once(session: Session) -> tuple[int, list[IllegalRequest]]:
            moved, late = 0, list[IllegalRequest]()
            for request_id in request_ids:
                document = await self._ledger.load(request_id, session)
                if not _is_bound_to_others(document, rules.version, from_version):
                    continue
                if (why := obstacle(document, rules)) is not None:
                    late.append(_illegal(document, why))
                    continue
                event = rules_changed(document, rules, by)
                await self._ledger.append(document, [event], session)
                moved += 1
            return moved, late

        return await transact(self._core.db, once)


def _is_bound_to_others(document: Document, version: str, from_version: str | None) -> bool:
    now = document["workflow"]["transition_rules_version"]
    return document["status"] != "closed" and now != version and from_version in (None, now)


def _illegal(document: Document, reason: str) -> IllegalRequest:
    return IllegalRequest(
        request_id=document["request_id"],
        from_version=document["workflow"]["transition_rules_version"],
        status=document["status"],
        reason=reason,
    )


def _order(rules: RuleSet) -> tuple[int, int]:
    major, minor = rules.version.removeprefix("v").split(".")
    return int(major), int(minor)


def _field_error(fault: Fault) -> dict[str, Any]:
    error = {"field": fault.field, "message": fault.message, "value": fault.value}
    return error if fault.allowed is None else error | {"allowed": list(fault.allowed)}
