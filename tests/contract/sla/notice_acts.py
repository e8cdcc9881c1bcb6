"""What SLA writes of notices that nobody acknowledges."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from contract_kit import examples
from seeding import seed

from cst_core.clock import Clock
from cst_inbox import Inbox, Notice
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_sla.notices import NoticeService


async def notice_acts(core: Core) -> None:
    """Post a notice about a request of its own, and leave it alone until it is repeated."""
    request = await seed(core, examples("notice_repeated")[0])
    notice = Notice(request["request_id"], "escalation", "on_call", "Look", 0)

    async def post(session: Session) -> None:
        await Inbox(core.db).post(notice, request, core.clock.now(), session)

    await transact(core.db, post)
    later = core.clock.now() + timedelta(days=1)
    clock = Clock(start=later, rate=0, anchor=later)
    assert await NoticeService(replace(core, clock=clock)).repeat_due() == 1
