"""Routes of the lifecycle's rules."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from cst_contracts.workflow import Adoption, AdoptRules, RulesVersion, WorkflowRules
from cst_http.auth import Admin, Staff
from cst_ledger.rules import RuleSet
from cst_workflow.api.deps import UseCases

router = APIRouter()

Version = Annotated[RulesVersion, Path()]


def _answer(rules: RuleSet) -> WorkflowRules:
    return WorkflowRules.model_validate(rules.document())


@router.get("/workflow-rules")
async def list_rules(use_cases: UseCases, _: Staff) -> list[WorkflowRules]:
    """Return every version of the lifecycle's rules, oldest first."""
    return [_answer(rules) for rules in await use_cases.rules.all()]


@router.get("/workflow-rules/{version}")
async def get_rules(version: Version, use_cases: UseCases, _: Staff) -> WorkflowRules:
    """Return one version."""
    return _answer(await use_cases.rules.get(version))


@router.post("/workflow-rules", status_code=201)
async def store_rules(
    command: WorkflowRules, use_cases: UseCases, _: Admin, response: Response
) -> WorkflowRules:
    """Store a new version. One that exists is never edited; a city names the one it uses."""
    rules = await use_cases.rules.store(command)
    response.headers["Location"] = f"/workflow-rules/{rules.version}"
    return _answer(rules)


@router.post("/workflow-rules/{version}/adopt")
async def adopt_rules(
    version: Version, command: AdoptRules, use_cases: UseCases, caller: Admin
) -> Adoption:
    """Bind what is not closed to a version; by default only say what that would do."""
    return await use_cases.rules.adopt(version, command, caller)
