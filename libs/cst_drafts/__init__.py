"""What a new request begins as, whoever files it: intake, or workflow for a successor."""

from cst_drafts.new_request import Draft, blank_state, draft_request, workflow_state

__all__ = ["Draft", "blank_state", "draft_request", "workflow_state"]
