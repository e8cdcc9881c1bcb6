"""Who files a request: a registered citizen, or somebody who leaves a contact or nothing."""

from __future__ import annotations

from datetime import datetime

from bson import ObjectId

from cst_city.catalog import Catalog
from cst_contracts.requests import CitizenRefIn, CreateRequest
from cst_core.errors import Forbidden, InvalidInput, Unauthenticated
from cst_http.tokens import Caller
from cst_intake.citizen_store import CitizenStore, new_citizen
from cst_intake.domain.contacts import Contact, read_contacts
from cst_ledger.events import Document
from cst_mongo.client import Database, Session


def check_reporter(command: CreateRequest, caller: Caller) -> None:
    """Check that nobody files in another citizen's name.

    Raises:
        Unauthenticated, Forbidden: ``citizen_ref.citizen_id`` is not the caller's.
        InvalidInput: a contact is left beside it.
    """
    citizen = command.citizen_ref.citizen_id
    if citizen is None:
        return
    if not caller.is_staff and caller.subject is None:
        raise Unauthenticated("citizen_ref.citizen_id needs the bearer token of that citizen")
    if not caller.is_staff and caller.subject != citizen:
        raise Forbidden("citizen_ref.citizen_id is not yours")
    if command.contact is not None:
        raise InvalidInput.field(
            "contact",
            "is for reporters without citizen_ref.citizen_id; a citizen's is in their profile",
            command.contact.model_dump(exclude_none=True),
            ["null"],
        )


def left_contact(command: CreateRequest, catalog: Catalog) -> Contact | None:
    """Return the contact that an anonymous reporter leaves; ``InvalidInput`` where it is none."""
    if command.contact is None:
        return None
    email, phone = command.contact.email, command.contact.phone
    (contact,) = read_contacts(email, phone, country=catalog.city.country, prefix="contact.")
    return contact


class Reporters:
    """Finds and counts the citizen behind a new request."""

    def __init__(self, db: Database) -> None:
        self._citizens = CitizenStore(db)

    async def note(
        self,
        command: CreateRequest,
        contact: Contact | None,
        language: str,
        now: datetime,
        session: Session,
    ) -> Document | None:
        """Count a new request of its citizen and return them; None where it has none.

        Who leaves a contact is one unverified citizen, however often they report.
        """
        if contact is not None:
            blank = new_citizen([contact], now, language=language)
            oid = await self._citizens.left(contact, blank, session)
        elif command.citizen_ref.citizen_id is not None:
            oid = ObjectId(command.citizen_ref.citizen_id)
        else:
            return None
        return await self._citizens.count_request(oid, session)


def filed_by(command: CreateRequest, contact: Contact | None, citizen: Document) -> CreateRequest:
    """Return the command with its citizen's preferences where it says nothing itself."""
    given = command.citizen_ref
    anonymous = given.anonymous
    if contact is None and "anonymous" not in given.model_fields_set:
        anonymous = bool(citizen["preferences"]["privacy"]["default_anonymous"])
    reference = CitizenRefIn.model_validate(
        {
            "citizen_id": str(citizen["_id"]),
            "anonymous": anonymous if contact is None else True,
            "contact_channel": given.contact_channel if contact is None else contact.channel,
        }
    )
    return command.model_copy(update={"citizen_ref": reference})
