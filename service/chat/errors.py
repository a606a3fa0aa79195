"""Errors below ``/v1`` in OpenAI's shape: made of the problem documents that all errors are, in one place."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import problems
from service.chat.schemas import Failed, Failure

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class ModelNotFound(problems.ServiceError):
    """A model of another name than the one there is."""

    status = 404
    title = "Model not found"


def of_problem(problem: Mapping[str, Any]) -> dict[str, Any]:
    """The error that a problem document tells of."""
    status = problem["status"]
    code = problem["type"].rpartition(":")[2].replace("-", "_")
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    where = (problem.get("errors") or [{}])[0].get("location", "")
    param = "model" if code == "model_not_found" else where.removeprefix("body.") if "." in where else None
    return Failed(error=Failure(message=problem["detail"], type=kind, param=param, code=code)).model_dump()


class OpenAIErrors:
    """Turns the problem documents of replies below ``/v1`` into errors of OpenAI's shape; headers stay."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not (scope["path"] == "/v1" or scope["path"].startswith("/v1/")):
            await self.app(scope, receive, send)
            return
        start: Message | None = None
        held = b""

        async def answer(message: Message) -> None:
            nonlocal start, held
            if message["type"] == "http.response.start":
                media = Headers(raw=message["headers"]).get("content-type", "")
                start = message if media.startswith(problems.MEDIA_TYPE) else None
                if start is not None:
                    return
            if start is None or message["type"] != "http.response.body":
                await send(message)
                return
            held += message.get("body", b"")
            if message.get("more_body", False):
                return
            body = problems.text(of_problem(json.loads(held))).encode() if held else b""
            headers = MutableHeaders(scope=start)
            headers["Content-Type"] = "application/json"
            headers["Content-Length"] = str(len(body))
            await send(start)
            await send({**message, "body": body})

        await self.app(scope, receive, answer)
