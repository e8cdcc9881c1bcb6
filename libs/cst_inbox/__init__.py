"""The staff's inbox: what somebody of a role must take note of."""

from cst_inbox.inbox import NOTICES, Inbox, Notice

__all__ = ["NOTICES", "Inbox", "Notice"]
