"""``/mcp``: the tools over streamable HTTP, without sessions, made when they are first asked for."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.types import Receive, Scope, Send

from service import problems
from service.access.origin import ForeignPage, check_origin
from service.serving import Serving

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager


class Endpoint:
    """The tools of one application, from its start to its end."""

    def __init__(self, served: Serving, version: str) -> None:
        self._served = served
        self._version = version
        self._making = asyncio.Lock()
        self._manager: StreamableHTTPSessionManager | None = None
        self._ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        try:
            check_origin(Headers(scope=scope), self._served.settings.cors_origins)
        except ForeignPage as error:
            await problems.of_rag_error(error)(scope, receive, send)
            return
        async with self._making:
            if self._manager is None:
                self._manager = await self._made()
        scope[MAX_BODY_SIZE_SCOPE_KEY] = self._served.settings.max_body_bytes
        await self._manager.handle_request(scope, receive, send)

    async def close(self) -> None:
        """Ends what goes on in the background."""
        self._ending.set()
        if self._task is not None:
            with suppress(asyncio.CancelledError):
                await self._task

    async def _made(self) -> "StreamableHTTPSessionManager":
        manager = await asyncio.to_thread(self._imported)
        running = asyncio.Event()

        async def hold() -> None:  # its tasks have to end in the task that they were begun in
            async with manager.run():
                running.set()
                await self._ending.wait()

        self._task = asyncio.create_task(hold())
        await running.wait()
        return manager

    def _imported(self) -> "StreamableHTTPSessionManager":
        from mcp.server.transport_security import TransportSecuritySettings

        from service.mcp.server import make

        server = make(self._served, self._base, self._version)
        server.streamable_http_app(
            stateless_http=True,
            json_response=True,
            max_request_body_size=self._served.settings.max_body_bytes,
            # Hosts and origins are checked here as for every other route.
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )
        return server.session_manager

    def _base(self, request: Any) -> str:
        return self._served.settings.public_url or str(request.base_url)


class Tools:
    """The application behind the route; a class, so that the router takes it for one."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found: Endpoint = scope["app"].state.mcp
        await found.handle(scope, receive, send)
