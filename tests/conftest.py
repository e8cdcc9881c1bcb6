"""Shared by every test: the stacks' fixtures, and how long hypothesis may search."""

from __future__ import annotations

import os

import structlog
from hypothesis import HealthCheck, settings

pytest_plugins = ["cst_testkit.pytest_plugin", "cst_testkit.fixtures"]

# `function_scoped_fixture`: our databases are made for many examples; each draws ids of its own.
_UNHURRIED = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile("dev", max_examples=50, deadline=None, suppress_health_check=_UNHURRIED)
settings.register_profile("ci", parent=settings.get_profile("dev"), derandomize=True)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")
)

# The default draws tracebacks with every local variable, which takes seconds each.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.dev.ConsoleRenderer(colors=False),
    ]
)
