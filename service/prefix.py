"""The path that the service is reached under where a proxy puts it below one, as ``/kb`` of ``https://example.org/kb/``.

Between ``Prefix``, which is outermost, and ``Join``, which is innermost, a path is what it is without the prefix, so
that rules on paths need not know of it. The routes see it as ASGI's ``root_path``.
"""

import re

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LONGEST = 200
_PREFIX = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
_KEY = "chengyu_rag.prefix"


def parse_prefix(text: str) -> str | None:
    """Return the prefix that ``text`` writes, "" for none, without a slash at its end; None where it is no prefix."""
    bare = text.strip().rstrip("/")
    return bare if not bare or (len(bare) <= LONGEST and _PREFIX.fullmatch(bare)) else None


class Prefix:
    """Finds out the prefix: the one that was set, else what a proxy says in ``X-Forwarded-Prefix``.

    A proxy may take the prefix off or leave it on. What is no prefix in the header counts as none: it may come from
    anybody.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self.app = app
        self._set = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            prefix, path = self._set, scope["path"]
            if prefix and path == prefix:
                await RedirectResponse(f"{prefix}/", 307)(scope, receive, send)
                return
            if prefix and path.startswith(f"{prefix}/"):
                scope["path"] = path.removeprefix(prefix)
                scope["raw_path"] = scope.get("raw_path", b"").removeprefix(prefix.encode())
            elif not prefix:
                given = Headers(scope=scope).getlist("x-forwarded-prefix")
                prefix = (parse_prefix(given[0]) or "") if len(given) == 1 else ""
            scope[_KEY] = prefix
        await self.app(scope, receive, send)


class Join:
    """Gives the routes the whole path and, as ``root_path``, the prefix."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if prefix := scope.get(_KEY):
            scope["root_path"] = prefix
            scope["path"] = prefix + scope["path"]
            scope["raw_path"] = prefix.encode() + scope.get("raw_path", b"")
        await self.app(scope, receive, send)
