"""The embedded stack: a real mongod and a Kafka-protocol broker, without containers.

``up`` brings up what is not given, ``down`` stops it, ``status`` looks at it. Everything that
goes wrong is a ``StackError`` whose text is one clear line.
"""

from cst_stack.errors import PortTakenError, StackError
from cst_stack.external import check_external, check_external_broker
from cst_stack.home import Home
from cst_stack.part import PartStatus
from cst_stack.stack import StackStatus, down, restart_broker, status, up
from cst_stack.state import Broker, EmbeddedBroker, Endpoints

__all__ = [
    "Broker",
    "EmbeddedBroker",
    "Endpoints",
    "Home",
    "PartStatus",
    "PortTakenError",
    "StackError",
    "StackStatus",
    "check_external",
    "check_external_broker",
    "down",
    "restart_broker",
    "status",
    "up",
]
