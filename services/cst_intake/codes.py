"""Codes that prove who reads a contact: six digits, a quarter of an hour, five tries.

Only a keyed digest of a code is stored, and a try is taken before it is compared, so that no number
of guesses at once gets more than the five. Time is wall time, as that of tokens.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from bson import ObjectId
from pymongo import ASCENDING, IndexModel

from cst_core.clock import wall_now
from cst_core.errors import Conflict, InvalidInput, TooManyRequests
from cst_http.tokens import Tokens
from cst_intake.domain.contacts import Contact
from cst_intake.outbox import Message, Sender
from cst_mongo.client import Database, Session
from cst_mongo.indexes import CollectionSpec

CODE_TTL = timedelta(minutes=15)
TRIES = 5
#: Codes to one contact: not sooner than this after the last one, and so many an hour.
PAUSE = timedelta(seconds=60)
WINDOW = timedelta(hours=1)
PER_WINDOW = 5
_PURPOSE, _CONTACT = "citizen-code", "citizen-contact"

CODES = CollectionSpec(
    "verification_codes", (IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),)
)
LIMITS = CollectionSpec(
    "verification_limits", (IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),)
)


@dataclass(frozen=True, slots=True)
class Proof:
    """A right code: which one, whose, and the contact that it was sent to."""

    code_id: ObjectId
    digest: str
    citizen_id: ObjectId
    contact: Contact


class Codes:
    """Issues codes and takes them back."""

    def __init__(self, db: Database, tokens: Tokens, sender: Sender) -> None:
        self._codes = db[CODES.name]
        self._limits = db[LIMITS.name]
        self._tokens = tokens
        self._sender = sender

    async def issue(
        self, code_id: ObjectId, contact: Contact, citizen_id: ObjectId | None, session: Session
    ) -> datetime:
        """Send a code, in place of the one before under ``code_id``; return when it expires.

        Without a citizen everything is as with one, but nothing is sent and no code fits.

        Raises:
            TooManyRequests: the contact got one just now, or too many of late.
        """
        now = wall_now()
        await self._count(contact, now, session)
        code = f"{secrets.randbelow(10**6):06d}"
        row = {
            "citizen_id": citizen_id,
            "channel": contact.channel,
            "contact": None if citizen_id is None else contact.address,
            "digest": "" if citizen_id is None else self._digest(code_id, code),
            "tries_left": TRIES,
            "expires_at": now + CODE_TTL,
        }
        await self._codes.replace_one({"_id": code_id}, row, upsert=True, session=session)
        if citizen_id is not None:
            minutes = CODE_TTL // timedelta(minutes=1)
            text = f"Your code is {code}. It is valid for {minutes} minutes."
            message = Message(citizen_id, contact.channel, contact.address, "code", text)
            await self._sender.send(message, now, session)
        return now + CODE_TTL

    async def _count(self, contact: Contact, now: datetime, session: Session) -> None:
        """Note a code to a contact, of which no more than a digest is kept."""
        key = self._tokens.sign(_CONTACT, contact.key)
        row = await self._limits.find_one({"_id": key}, session=session) or {"sent": []}
        sent = [at for at in row["sent"] if at > now - WINDOW]
        free_at = sent[-1] + PAUSE if sent else now
        if len(sent) >= PER_WINDOW:
            free_at = max(free_at, sent[-PER_WINDOW] + WINDOW)
        if free_at > now:
            wait_s = -((now - free_at) // timedelta(seconds=1))
            detail = f"a code was sent to this contact just now; ask again in {wait_s} s"
            raise TooManyRequests(detail, retry_after_s=wait_s)
        update = {"$set": {"sent": [*sent, now], "expires_at": now + WINDOW}}
        await self._limits.update_one({"_id": key}, update, upsert=True, session=session)

    async def check(self, code_id: ObjectId, code: str) -> Proof:
        """Take a try and compare.

        Raises:
            InvalidInput: the code is wrong; says how many tries are left.
            Conflict: there is no code that is still valid.
        """
        valid = {"_id": code_id, "tries_left": {"$gt": 0}, "expires_at": {"$gt": wall_now()}}
        row = await self._codes.find_one_and_update(valid, {"$inc": {"tries_left": -1}})
        if row is None:
            raise no_valid_code()
        if not self._tokens.is_signed(_PURPOSE, _signed(code_id, code), row["digest"]):
            left = row["tries_left"] - 1
            message = f"is not the code that was sent; {left} tries left"
            raise InvalidInput.field("code", message, code, ["the 6 digits of the newest code"])
        contact = Contact(row["channel"], row["contact"])
        return Proof(code_id, row["digest"], row["citizen_id"], contact)

    async def spend(self, proof: Proof, session: Session) -> None:
        """Use a right code up; ``Conflict`` where somebody was first or a newer one was sent."""
        used = {"_id": proof.code_id, "digest": proof.digest}
        if (await self._codes.delete_one(used, session=session)).deleted_count != 1:
            raise no_valid_code()

    def _digest(self, code_id: ObjectId, code: str) -> str:
        return self._tokens.sign(_PURPOSE, _signed(code_id, code))


def _signed(code_id: ObjectId, code: str) -> str:
    return f"{code_id}:{code}"


def no_valid_code() -> Conflict:
    """Return the error of a code that was used up, has expired or never was."""
    return Conflict("there is no code that is still valid: ask for a new one")
