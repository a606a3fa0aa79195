"""What surrounds every request: the log, the check of the Host header, and errors that nothing else caught."""

import asyncio
import logging
import time
from collections.abc import Sequence
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import problems

PROBES = frozenset({"/livez", "/readyz"})
DRAIN_BYTES = 64 * 2**20
DRAIN_SECONDS = 10.0

_log = logging.getLogger("service.access")


class AccessLog:
    """One line a request: method, path, status, milliseconds. Neither bodies nor query strings are logged."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0
        path = scope["path"]  # what is within changes it where there is a prefix

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Content-Type-Options"] = "nosniff"
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            milliseconds = (time.perf_counter() - began) * 1000
            level = logging.DEBUG if path in PROBES else logging.INFO
            # quoted, so that a path cannot forge a line of the log
            _log.log(level, "%s %s %d %.1f ms", scope["method"], quote(path), status, milliseconds)


class Balance:
    """Lets go of connections where calls wait for a thread, so that their clients come back to a process that is freer.

    Connections are kept for many requests, and a process that was busy when they came may have few of them. Where all
    are crowded it costs a connection for each request, some tenths of a millisecond, and changes nothing.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and scope["app"].state.serving.worker.crowded:
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        await self.app(scope, receive, answer if scope["type"] == "http" else send)


class Drain:
    """Reads what is left of a body before the reply to it begins.

    A client that asked to close the connection (``urllib`` always does) and is still sending when the server answers
    and closes gets a reset connection instead of the answer. So a body that was refused early is taken in and
    dropped, up to ``DRAIN_BYTES`` and ``DRAIN_SECONDS``. A client that waits for ``100 Continue`` has sent nothing yet
    and is answered at once.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else None
        if headers is None or not ("transfer-encoding" in headers or headers.get("content-length", "0") != "0"):
            await self.app(scope, receive, send)
            return
        whole, asked = False, False
        expects = headers.get("expect", "").lower() == "100-continue"

        async def read() -> Message:
            nonlocal whole, asked
            asked = True
            message = await receive()
            whole = whole or message["type"] != "http.request" or not message.get("more_body", False)
            return message

        async def rest() -> None:
            taken = 0
            while not whole and taken < DRAIN_BYTES:
                taken += len((await read()).get("body", b""))

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and not whole and (asked or not expects):
                try:
                    await asyncio.wait_for(rest(), DRAIN_SECONDS)
                except TimeoutError:
                    _log.debug("gave up on the rest of a body")
            await send(message)

        await self.app(scope, read, answer)


class HostCheck:
    """Refuses requests for other hosts, as DNS rebinding makes them; probes pass, for they come by address."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self.app = app
        self._check = TrustedHostMiddleware(self._known, hosts, www_redirect=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in PROBES:
            verdict: Scope = {**scope, "known_host": []}
            await self._check(verdict, receive, _drop)
            if not verdict["known_host"]:
                error = problems.WrongHost("this host name is not served here; name it in RAG_ALLOWED_HOSTS")
                await problems.of_rag_error(error)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    @staticmethod
    async def _known(scope: Scope, receive: Receive, send: Send) -> None:
        scope["known_host"].append(True)


class LastResort:
    """Turns what was not foreseen into a problem document: exceptions, and the body limit's reply in plain text."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = replaced = False

        async def answer(message: Message) -> None:
            nonlocal started, replaced
            if message["type"] == "http.response.start":
                started = True
                plain = not Headers(raw=message["headers"]).get("content-type", "").startswith(problems.MEDIA_TYPE)
                if message["status"] == 413 and plain:
                    replaced = True
                    limit = scope.get(MAX_BODY_SIZE_SCOPE_KEY, 0)
                    await problems.too_large(limit)(scope, receive, send)
            if not replaced:
                await send(message)

        try:
            await self.app(scope, receive, answer)
        except ClientDisconnect:
            _log.debug("the client left before its body was read")
        except Exception as error:
            if started:
                raise
            body = problems.describe(error)
            await problems.reply(body["status"], body["title"], body["detail"])(scope, receive, send)


async def _drop(message: Message) -> None:
    """Where the host check's own reply, plain text, goes."""
