"""Citizens: registration, proof of a contact, sign-in, and what they see and change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bson import ObjectId
from pymongo.errors import DuplicateKeyError

from cst_contracts.citizens import ChangeCitizen, CitizenStatistics, RegisterCitizen
from cst_contracts.contacts import ContactIn
from cst_contracts.enums import OPEN_STATUSES
from cst_core.clock import wall_now
from cst_core.errors import Conflict, NotFound
from cst_http.tokens import Caller, Tokens
from cst_intake.citizen_store import CitizenStore, new_citizen
from cst_intake.codes import Codes, Proof
from cst_intake.domain.contacts import Contact, contacts_document, contacts_of, read_contacts
from cst_intake.domain.profiles import SHARES, changed_fields, check_profile
from cst_intake.outbox import Outbox
from cst_intake.privacy import AT_ONCE, VisibilityService, pending
from cst_ledger.events import Document
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core

#: How long a citizen's token is valid.
TOKEN_TTL = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Sent:
    """A code on its way: to whom it belongs, by what it goes, until when it is valid."""

    citizen: Document
    channel: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A citizen who has proved a contact; no token where another issuer makes them."""

    citizen_id: str
    token: str | None
    expires_at: datetime | None


class CitizenService:
    """Keeps citizens and signs them in."""

    def __init__(self, core: Core, tokens: Tokens) -> None:
        self._core = core
        self._tokens = tokens
        self._store = CitizenStore(core.db)
        self._codes = Codes(core.db, tokens, Outbox(core.db))
        self._visibility = VisibilityService(core)

    async def register(self, command: RegisterCitizen) -> Sent:
        """Take up a citizen, unverified, and send a code to the contact they prefer.

        That somebody else has proved the contact is told to who proves it again, not here.

        Raises:
            InvalidInput: a contact, the language or the zone is none.
            TooManyRequests: the contact got a code just now.
        """
        catalog = await self._core.catalog.get()
        given = command.contacts
        contacts = read_contacts(
            given.email, given.phone, country=catalog.city.country, prefix="contacts."
        )
        check_profile(
            {
                "preferences.preferred_contact": command.preferences.preferred_contact,
                "preferences.language": command.preferences.language,
                "address.zone_id": command.address.zone_id,
            },
            contacts_document(contacts),
            catalog,
        )
        citizen = new_citizen(
            contacts,
            self._core.clock.now(),
            language=catalog.city.languages[0],
            full_name=command.full_name,
            preferences=command.preferences.model_dump(),
            address=command.address.model_dump(),
        )

        async def once(session: Session) -> Sent:
            await self._store.add(citizen, session)
            return await self._send_code(citizen, session)

        return await transact(self._core.db, once)

    async def _send_code(self, citizen: Document, session: Session) -> Sent:
        contact = _preferred(citizen)
        expires_at = await self._codes.issue(citizen["_id"], contact, citizen["_id"], session)
        return Sent(citizen, contact.channel, expires_at)

    async def resend(self, citizen_id: str) -> Sent:
        """Send a new code to who has yet to prove a contact.

        Raises:
            NotFound: there is no such citizen.
            Conflict: they have proved one.
            TooManyRequests: the contact got a code just now.
        """
        oid = ObjectId(citizen_id)

        async def once(session: Session) -> Sent:
            citizen = await self._store.find(oid, session)
            if citizen is None or not contacts_of(citizen):
                raise NotFound(f"no citizen {citizen_id}")
            if citizen["verification"]["state"] == "verified":
                raise Conflict("this citizen is verified already: sign in instead")
            return await self._send_code(citizen, session)

        return await transact(self._core.db, once)

    async def start_sign_in(self, command: ContactIn) -> tuple[ObjectId, datetime]:
        """Send a code to a contact if somebody has it; return the sign-in's id and its end.

        Known or not, the answer is the same, so that nobody learns who is registered.

        Raises:
            InvalidInput: it is no contact.
            TooManyRequests: it was asked for just now.
        """
        country = (await self._core.catalog.get()).city.country
        (contact,) = read_contacts(command.email, command.phone, country=country)
        sign_in_id = ObjectId()

        async def once(session: Session) -> datetime:
            citizen = await self._store.by_contact(contact, session)
            known = None if citizen is None else citizen["_id"]
            return await self._codes.issue(sign_in_id, contact, known, session)

        return sign_in_id, await transact(self._core.db, once)

    async def prove(self, code_id: str, code: str) -> SignedIn:
        """Take a code, of a registration or a sign-in: its citizen is verified and signed in.

        Raises:
            InvalidInput: the code is wrong.
            Conflict: there is no valid code, or another citizen has proved this contact.
        """
        proof = await self._codes.check(ObjectId(code_id), code)

        async def once(session: Session) -> None:
            await self._codes.spend(proof, session)
            if not await self._verified(proof, session):
                raise NotFound(f"no citizen {proof.citizen_id}")

        try:
            await transact(self._core.db, once)
        except DuplicateKeyError:
            raise Conflict(
                "somebody has registered with this contact before: sign in instead"
            ) from None
        return self._signed_in(str(proof.citizen_id))

    async def _verified(self, proof: Proof, session: Session) -> bool:
        now = self._core.clock.now()
        found = await self._store.verify(proof.citizen_id, proof.contact, now, session)
        return found is not None

    def _signed_in(self, citizen_id: str) -> SignedIn:
        if self._core.settings.auth_issuer is not None:
            return SignedIn(citizen_id, None, None)
        token = self._tokens.issue(citizen_id, ["citizen"], ttl=TOKEN_TTL)
        return SignedIn(citizen_id, token, wall_now() + TOKEN_TTL)

    async def get(self, citizen_id: str, session: Session | None = None) -> Document:
        """Return a citizen; ``NotFound`` where there is none."""
        known = ObjectId.is_valid(citizen_id)
        citizen = await self._store.find(ObjectId(citizen_id), session) if known else None
        if citizen is None:
            raise NotFound(f"no citizen {citizen_id}")
        return citizen

    async def me(self, caller: Caller) -> Document:
        """Return the calling citizen; ``NotFound`` where the token is of nobody we know."""
        return await self.get(caller.actor_id)

    async def change(self, command: ChangeCitizen, caller: Caller) -> Document:
        """Change the calling citizen's profile; their requests follow a changed opt-out.

        Raises:
            InvalidInput: a field is not acceptable.
        """
        fields = changed_fields(command)
        catalog = await self._core.catalog.get()

        async def once(session: Session) -> Document:
            before = await self.get(caller.actor_id, session)
            check_profile(fields, before["contacts"], catalog)
            shared = before["preferences"]["privacy"]["share_publicly_on_map"]
            moved = fields.get(SHARES, shared) != shared
            mark = {"visibility_pending": pending()} if moved else {}
            after = await self._store.change(before["_id"], fields | mark, session)
            assert after is not None  # it was read in this transaction
            return after

        citizen = await transact(self._core.db, once)
        if "visibility_pending" in citizen:
            await self._visibility.carry_over(citizen["_id"], batches=AT_ONCE)
        return citizen

    async def requests(
        self, caller: Caller, cursor: str | None, limit: int
    ) -> tuple[list[Document], str | None]:
        """Return a page of the calling citizen's requests and the cursor of the next."""
        citizen = await self.me(caller)
        before = None if cursor is None else ObjectId(cursor)
        found = await self._store.newest_requests(citizen["_id"], before, limit + 1)
        page = found[:limit]
        return page, str(page[-1]["_id"]) if len(found) > limit else None

    async def statistics(self, caller: Caller) -> CitizenStatistics:
        """Return what became of the calling citizen's requests."""
        citizen = await self.me(caller)
        by_status = await self._store.by_status(citizen["_id"])
        stats = citizen["stats"]
        return CitizenStatistics(
            total_requests=stats["total_requests"],
            open_requests=sum(by_status.get(status, 0) for status in OPEN_STATUSES),
            by_status=by_status,
            ratings=stats.get("ratings", 0),
            avg_rating=stats["avg_rating"],
        )


def _preferred(citizen: Document) -> Contact:
    contacts = contacts_of(citizen)
    preferred = citizen["preferences"]["preferred_contact"]
    return next((contact for contact in contacts if contact.channel == preferred), contacts[0])
