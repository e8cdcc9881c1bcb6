"""``cst contracts``: the published contracts as files, and whether they still hold."""

from cst_cli.contracts.commands import app

__all__ = ["app"]
