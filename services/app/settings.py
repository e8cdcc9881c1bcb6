"""Settings of the app that is a whole system."""

from __future__ import annotations

from pydantic import Field

from cst_core.settings import Settings


class AppSettings(Settings):
    """Read by ``app.main``."""

    #: Start relay and workers as child processes.
    workers: bool = Field(default=True, alias="CST_WORKERS")
