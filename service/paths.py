"""Paths that are no paths: refused before an id is read from them."""

import re
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from service import problems

_BROKEN = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class MalformedPath(problems.ServiceError):
    """A path whose percent-encoding is not that of UTF-8: two ids could become one."""

    status = 400
    title = "Malformed path"


class PathCheck:
    """Refuses paths that are not percent-encoded UTF-8."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before ``app``."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        raw = (scope.get("raw_path") or b"").partition(b"?")[0]
        if _BROKEN.search(raw) or not _is_utf8(unquote_to_bytes(raw)):
            error = MalformedPath(
                "the path is not percent-encoded UTF-8; encode the id as UTF-8, then each byte as %XX"
            )
            await problems.of_rag_error(error)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _is_utf8(path: bytes) -> bool:
    try:
        path.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
