"""Agents' capacity: taken and given back in the transaction of the assignment itself.

Shared by dispatch (which chooses) and workflow (where staff assign by hand and work ends).
"""

from cst_roster.roster import Roster

__all__ = ["Roster"]
