"""The staff's inbox: what somebody of a role must take note of, and how they are told."""

from cst_contracts.enums import INBOX_ROLES
from cst_inbox.deliveries import DELIVERIES, Deliveries
from cst_inbox.inbox import NOTICES, Inbox, Notice, Wanted, interval_of

__all__ = [
    "DELIVERIES",
    "INBOX_ROLES",
    "NOTICES",
    "Deliveries",
    "Inbox",
    "Notice",
    "Wanted",
    "interval_of",
]
