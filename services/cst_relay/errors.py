"""What can go wrong, and which of it trying again can mend."""

from __future__ import annotations

from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    IncompatibleBrokerVersion,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)
from pymongo.errors import ConfigurationError, InvalidURI, OperationFailure, PyMongoError

from cst_core.errors import ConfigError, CstError, Unavailable

#: MongoDB's codes for a position that it can no longer, or never could, resume from. What lies
#: behind it is in the collection all the same, so the policy for each is a rebuild (or to stop).
#: Code 47, an image that has expired, is not among them: no feed asks for images as a must.
HISTORY_LOST_CODES = frozenset(
    {
        260,  # InvalidResumeToken
        280,  # ChangeStreamFatalError
        286,  # ChangeStreamHistoryLost
        10334,  # BSONObjectTooLarge: one change over 16 MB; documents are capped far below
    }
)
_MONGO_REFUSED = frozenset({13, 18})  # Unauthorized, AuthenticationFailed
_KAFKA_REFUSED = (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    IncompatibleBrokerVersion,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)


class RelayError(Exception):
    """Base of what makes a relay start over from its checkpoint."""


class LeaseLost(RelayError):
    """Another relay leads, or may by now."""


class Fenced(LeaseLost):
    """The checkpoint carries a later epoch than ours."""


class StreamEnded(RelayError):
    """The change stream ended without saying why."""


class DeliveryTimeout(RelayError):
    """The broker has not acknowledged a round in time."""


class BrokerForgot(RelayError):
    """The broker no longer holds what it acknowledged."""


class RebuildAsked(RelayError):
    """An operator asked for a rebuild."""


class HistoryLost(CstError):
    """Something between source and broker was lost and the policy is to stop."""

    type, title, status = "history-lost", "History lost", 500


def is_history_lost(error: BaseException) -> bool:
    """Tell whether the change stream cannot go on from where it was."""
    return isinstance(error, OperationFailure) and error.code in HISTORY_LOST_CODES


def refusal(error: BaseException) -> str | None:
    """Return one line saying why trying again cannot help; None where it may."""
    if isinstance(error, ConfigError | HistoryLost):
        return error.detail
    if isinstance(error, OperationFailure) and error.code in _MONGO_REFUSED:
        return f"MongoDB refuses this user (code {error.code}): correct MONGO_URI or its roles"
    if isinstance(error, ConfigurationError | InvalidURI):
        return f"MONGO_URI cannot be used: {error}"
    if isinstance(error, _KAFKA_REFUSED):
        return f"Kafka refuses this client: {type(error).__name__}: {error}"
    return None


def is_passing(error: BaseException) -> bool:
    """Tell whether an error belongs to the outside world, which may be well again later."""
    kinds = (RelayError, PyMongoError, KafkaError, OSError, TimeoutError, Unavailable)
    return isinstance(error, kinds) and refusal(error) is None
