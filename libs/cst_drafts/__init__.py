"""What a new request begins as, whoever files it: intake, or workflow for a successor."""

from cst_drafts.new_request import Draft, blank_state, draft_request, publicity, workflow_state
from cst_drafts.numbers import next_number, number_series
from cst_drafts.places import located, stand_in, unlocated

__all__ = [
    "Draft",
    "blank_state",
    "draft_request",
    "located",
    "next_number",
    "number_series",
    "publicity",
    "stand_in",
    "unlocated",
    "workflow_state",
]
