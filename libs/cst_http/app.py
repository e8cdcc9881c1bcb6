"""The app factory: some services' routes in one ASGI app, over one core."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    nullcontext,
)
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI

from cst_core.settings import Settings
from cst_http import ops, problems
from cst_http.middleware import BodyLimit, DatabaseDeadline, FileRoute, Observe
from cst_http.responses import document_problems
from cst_http.tokens import Tokens
from cst_process.core import Core
from cst_process.judgement import Expected
from cst_process.status import SystemWatch, bounds_of

VERSION = "0.1.0"
CoreFactory = Callable[[], AbstractAsyncContextManager[Core]]


@dataclass(frozen=True, slots=True)
class ServiceApi:
    """A service's part of an app: its routes, and its use cases built over the core.

    The use cases are kept in ``app.state.<name>``, where the routes find them. ``file_routes`` says
    which of the routes take or give whole files. ``running`` is what goes on beside the answers, as
    long as the app runs.
    """

    name: str
    router: APIRouter
    build: Callable[[Core, Tokens], Any]
    file_routes: Callable[[Settings], Sequence[FileRoute]] = lambda _: ()
    running: Callable[[Any], AbstractAsyncContextManager[None]] = lambda _: nullcontext()


def create_app(
    title: str,
    services: Sequence[ServiceApi],
    open_core: CoreFactory,
    expected: Callable[[Settings], Expected] = lambda _: Expected(),
) -> FastAPI:
    """Return an app with the routes of ``services``; the core is opened when it starts.

    ``/readyz`` complains where a worker or a feed that is ``expected`` is missing.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_core() as core, AsyncExitStack() as beside:
            app.state.core = core
            app.state.watch = SystemWatch(
                core.db, bounds_of(core.settings), expected(core.settings)
            )
            app.state.tokens = Tokens(core.settings)
            app.state.file_routes = [
                route for service in services for route in service.file_routes(core.settings)
            ]
            for service in services:
                built = service.build(core, app.state.tokens)
                setattr(app.state, service.name, built)
                await beside.enter_async_context(service.running(built))
            yield

    app = FastAPI(title=title, version=VERSION, lifespan=lifespan)
    problems.install(app)
    for service in services:
        app.include_router(service.router)
    app.include_router(ops.router)
    document_problems(app)
    app.add_middleware(DatabaseDeadline)
    app.add_middleware(BodyLimit)
    app.add_middleware(Observe)
    return app
