"""The staff's inbox: what somebody of a role must take note of."""

from cst_inbox.inbox import INBOX_ROLES, NOTICES, Inbox, Notice

__all__ = ["INBOX_ROLES", "NOTICES", "Inbox", "Notice"]
