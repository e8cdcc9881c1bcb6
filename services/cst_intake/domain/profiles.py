"""What a citizen's profile may say, checked against the city and the contacts that there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cst_city.catalog import Catalog
from cst_contracts.citizens import ChangeCitizen
from cst_core.errors import InvalidInput

SHARES = "preferences.privacy.share_publicly_on_map"


def changed_fields(command: ChangeCitizen) -> dict[str, Any]:
    """Return what a change sets, by dotted path; what was not sent is not in it."""
    sent = dict(_flat("", command.model_dump(exclude_unset=True)))
    for path in ("preferences.preferred_contact", "preferences.language"):
        if path in sent and sent[path] is None:
            raise InvalidInput.field(path, "can be changed but not removed", None)
    return sent


def _flat(prefix: str, value: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield from _flat(f"{prefix}{key}.", item)
        else:
            yield f"{prefix}{key}", item


def check_profile(
    fields: Mapping[str, Any], contacts: Mapping[str, str | None], catalog: Catalog
) -> None:
    """Check the fields of a profile that refer to something.

    Args:
        fields: values by dotted path; those that are not there, or null, are not checked.
        contacts: the citizen's contacts.
        catalog: the city.

    Raises:
        InvalidInput: the city lacks the language or the zone, the citizen the contact.
    """
    channels = {"email": contacts["email"], "sms": contacts["phone"], "none": "nothing"}
    allowed = {
        "preferences.preferred_contact": [name for name, value in channels.items() if value],
        "preferences.language": list(catalog.city.languages),
        "address.zone_id": list(catalog.zone_names),
    }
    messages = {
        "preferences.preferred_contact": "is not one of your contacts",
        "preferences.language": "is not a language of this city",
        "address.zone_id": "is not a zone of this city",
    }
    for path, values in allowed.items():
        value = fields.get(path)
        if value is not None and value not in values:
            raise InvalidInput.field(path, messages[path], value, values)
