"""What is said and shown of a request at intake, and what staff hide, release and erase of it."""

from __future__ import annotations

import io

from cst_contracts.comments import CommentCommand
from cst_contracts.evidence import EvidenceReference, EvidenceUpload
from cst_contracts.moderation import ModerationCommand
from cst_http.tokens import Caller, Tokens
from cst_intake.evidence import Sender
from cst_intake.use_cases import Intake
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_testkit.factories import created_event
from cst_testkit.files import photo

WORDS = "Zebulon said so"
REASON = "Zebulon asked for it"
_ID = "CST-2026-9002"
_STAFF = Caller("sue", frozenset({"supervisor"}))
_URL = "https://photos.example.org/zebulon"


async def people_talk(core: Core) -> None:
    """Let staff comment and add evidence, then hide, release and erase what there is."""
    intake = Intake(core, Tokens(core.settings))
    ledger, first = core.ledger("test"), created_event(message=WORDS)
    await transact(core.db, lambda session: ledger.create(_ID, first, session))
    command = CommentCommand(message=WORDS, visibility="public")
    first_comment = await intake.comments.add(_ID, command, _STAFF, None)
    reply = CommentCommand(message=WORDS, parent_comment_id=first_comment.comment_id)
    await intake.comments.add(_ID, reply, _STAFF, None)
    sender, file = Sender(_STAFF, None), io.BytesIO(photo())
    added = await intake.evidence.add_file(_ID, file, EvidenceUpload(), sender)
    elsewhere = EvidenceReference(type="video", url=_URL, sha256="ab" * 32)
    await intake.evidence.add_reference(_ID, elsewhere, sender)
    evidence_id = added.item["evidence_id"]
    for action, target, target_id in (
        ("release", "text", None),
        ("release", "evidence", evidence_id),
        ("hide", "comment", first_comment.comment_id),
        ("hide", "text", None),
        ("hide", "request", None),
        ("release", "request", None),
        ("redact", "comment", first_comment.comment_id),
        ("redact", "evidence", evidence_id),
        ("redact", "text", None),
    ):
        asked = {"action": action, "target": target, "target_id": target_id, "reason": REASON}
        await intake.moderation.moderate(_ID, ModerationCommand.model_validate(asked), _STAFF)
