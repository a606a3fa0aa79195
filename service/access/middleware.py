"""Stands before the routes and turns away who may not pass."""

import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from rag.errors import RagError
from service import problems
from service.access.gate import Gate, InsufficientScope, InvalidKey, needed
from service.routes.pages import page

_VIEW = re.compile(r"/documents/[^/]+/view")
_REALM = 'Bearer realm="chengyu-rag"'


class Access:
    """Every route is behind it, those too that are added later."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self.app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wanted = needed(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if wanted is not None:
            headers = Headers(scope=scope)
            try:
                self._gate.check(headers, wanted)
            except InvalidKey as error:
                challenge = _REALM + (', error="invalid_token"' if "authorization" in headers else "")
                if _VIEW.fullmatch(scope["path"]) and "text/html" in headers.get("accept", ""):
                    # A link that somebody followed: the page holds nothing yet and asks for the key itself.
                    answer = page("view.html", 401, {"WWW-Authenticate": challenge})
                else:
                    answer = problems.of_rag_error(error, {"WWW-Authenticate": challenge})
                await answer(scope, receive, send)
                return
            except InsufficientScope as error:
                challenge = f'{_REALM}, error="insufficient_scope", scope="{wanted}"'
                await problems.of_rag_error(error, {"WWW-Authenticate": challenge})(scope, receive, send)
                return
            except RagError as error:
                await problems.of_rag_error(error)(scope, receive, send)
                return
        await self.app(scope, receive, send)
