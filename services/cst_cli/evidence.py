"""``cst evidence``."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from cst_cli.context import with_core
from cst_http.follow import FollowLinks
from cst_http.tokens import Tokens
from cst_intake.access import Access
from cst_intake.evidence import SWEEP_AGE, EvidenceService, Swept
from cst_process.core import Core

app = typer.Typer(help="Files of evidence.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Files of evidence."""


@app.command()
def sweep(
    older_than_minutes: Annotated[
        int, typer.Option(min=1, help="leave younger files alone: they may be under way")
    ] = SWEEP_AGE // timedelta(minutes=1),
    dry_run: Annotated[bool, typer.Option(help="count, and remove nothing")] = False,
) -> None:
    """Remove files that no request holds: of dead uploads, and of erased evidence."""

    async def work(core: Core) -> Swept:
        links = FollowLinks(Tokens(core.settings), core.settings.public_url)
        service = EvidenceService(core, Access(links))
        older_than = timedelta(minutes=older_than_minutes)
        return await service.sweep(older_than=older_than, dry_run=dry_run)

    swept = with_core(work, process="evidence")
    verb = "would be removed" if dry_run else "removed"
    typer.echo(f"{swept.files} files without a request and {swept.remains} broken uploads {verb}")
