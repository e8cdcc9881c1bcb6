"""``cst token``."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from cst_core.errors import ConfigError
from cst_core.settings import Settings, load_settings
from cst_http.tokens import ROLES, Tokens


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def token(
        role: Annotated[list[str], typer.Option(help=f"one of {', '.join(ROLES)}; may repeat")],
        subject: Annotated[str, typer.Option(help="who: a staff id, or an agent's code")] = "dev",
        hours: Annotated[float, typer.Option(min=0.01, max=24 * 365)] = 12,
    ) -> None:
        """Print a bearer token signed with the local key."""
        if unknown := sorted(set(role) - set(ROLES)):
            raise ConfigError(
                f"--role {', '.join(unknown)}: not a role; allowed: {', '.join(ROLES)}"
            )
        settings = load_settings(Settings)
        if settings.auth_issuer is not None:
            raise ConfigError("CST_AUTH_ISSUER is set: that issuer makes the tokens, not cst")
        typer.echo(Tokens(settings).issue(subject, role, ttl=timedelta(hours=hours)))
