"""Errors as RFC 9457 problem documents: every error is mapped to a reply here and nowhere else.

Nothing of a request's values is ever echoed, only where in it the fault lies.
"""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from rag.errors import RagError

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 20

_log = logging.getLogger("service")


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    location: str = Field(description="where: body, query or path, and the way to the field", examples=["body.top_k"])
    detail: str = Field(description="what is wrong with it", examples=["Input should be less than or equal to 50"])


class Problem(BaseModel):
    """What every error reply holds (RFC 9457)."""

    type: str = Field(description="a URN that stays the same", examples=["urn:chengyu-rag:invalid-input"])
    title: str = Field(examples=["Invalid input"])
    status: int = Field(ge=400, le=599, examples=[422])
    detail: str = Field(description="what was wrong, with what, and what to do")
    errors: list[Fault] | None = Field(default=None, description="every fault found, where there can be several")


class ServiceError(RagError):
    """An error that only a service has; ``retry_after`` is in seconds."""

    retry_after: int | None = None


class UnsupportedMedia(ServiceError):
    """A body of a content type or coding that the route does not take."""

    status = 415
    title = "Unsupported media type"


class TooLarge(ServiceError):
    """A body beyond the limit of the route."""

    status = 413
    title = "Content too large"


class Overloaded(ServiceError):
    """So many requests wait that another one would wait too long."""

    status = 503
    title = "Overloaded"
    retry_after = 1


class NotReady(ServiceError):
    """The index is still being opened, or could not be."""

    status = 503
    title = "Not ready"
    retry_after = 2


class WrongHost(ServiceError):
    """A Host header that is not served here."""

    status = 421
    title = "Misdirected request"


_TITLES = {
    404: "Not found",
    405: "Method not allowed",
    413: TooLarge.title,
    500: RagError.title,
}
_DETAILS = {
    404: "nothing is served at this path; /docs lists what is",
    405: "this path does not take this method; the Allow header names those it takes",
    413: "the body is larger than this path takes",
    500: "the service failed to answer; its log says why",
}


def reply(
    status: int, title: str, detail: str, *, errors: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """A problem document as a response."""
    return Response(
        text(document(status, title, detail, errors)),
        status,
        headers=headers,
        media_type=MEDIA_TYPE,
    )


def document(status: int, title: str, detail: str, errors: Sequence[Fault] = ()) -> dict[str, Any]:
    """A problem document as JSON data; ``errors`` only where there are any."""
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    body = Problem(
        type=f"urn:chengyu-rag:{slug}", title=title, status=status, detail=_clean(detail), errors=list(errors) or None
    )
    return body.model_dump(exclude_none=True)


def text(body: Mapping[str, Any]) -> str:
    """A problem document as JSON."""
    return json.dumps(body, ensure_ascii=False)


def describe(error: Exception) -> dict[str, Any]:
    """The problem document of any exception, for replies that have already begun; logs what nobody foresaw."""
    if isinstance(error, RagError):
        if error.status == 500:
            _log.error("%s", error)
        return document(error.status, error.title, str(error))
    _log.error("unexpected error", exc_info=error)
    return document(500, _TITLES[500], _DETAILS[500])


def of_rag_error(error: RagError, headers: Mapping[str, str] | None = None) -> Response:
    """The reply to an error of the project."""
    body = describe(error)
    retry = getattr(error, "retry_after", None) or (5 if error.status == 503 else None)
    headers = {**(headers or {}), **({"Retry-After": str(retry)} if retry else {})}
    return reply(body["status"], body["title"], body["detail"], headers=headers)


def of_status(status: int, detail: str | None = None, headers: Mapping[str, str] | None = None) -> Response:
    """The reply to an HTTP status that a library raised."""
    fallback = "the request cannot be taken" if status < 500 else _DETAILS[500]
    title = _TITLES.get(status, "Request failed")
    return reply(status, title, detail or _DETAILS.get(status, fallback), headers=headers)


def too_large(limit: int) -> Response:
    """The reply to a body over ``limit`` bytes."""
    return of_rag_error(TooLarge(f"the body is larger than the {limit} bytes that this path takes; send less at once"))


def faults(errors: Sequence[ErrorDetails]) -> list[Fault]:
    """Pydantic's errors as faults: places and messages, no values."""
    return [Fault(location=_place(each["loc"]), detail=_message(each)) for each in errors[:MOST_ERRORS]]


def summary(found: Sequence[Fault], total: int | None = None) -> str:
    """Faults as one readable line; ``total`` where more were found than are listed."""
    more = (total or len(found)) - min(len(found), 3)
    line = "; ".join(f"{each.location}: {each.detail}" for each in found[:3])
    return line + (f"; and {more} more" if more > 0 else "")


def install(app: FastAPI) -> None:
    """Registers the handlers; unexpected exceptions are caught by ``service.middleware``."""

    async def rag_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, RagError)
        return of_rag_error(error)

    async def validation_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        found = faults(error.errors())
        return reply(422, "Invalid input", summary(found, len(error.errors())), errors=found)

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        limit = request.scope.get("starlette.max_body_size")
        if error.status_code == 413 and isinstance(limit, int):
            return too_large(limit)
        if error.status_code == 405:
            return of_status(405, headers={"Allow": ", ".join(_methods(app, request.scope))})
        return of_status(error.status_code, headers=error.headers)

    app.add_exception_handler(RagError, rag_error)
    app.add_exception_handler(RequestValidationError, validation_error)
    app.add_exception_handler(HTTPException, http_error)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route may answer beside its success, for OpenAPI; 422 and 503 are everywhere."""
    names = {
        404: "Nothing has this id",
        409: "The id is taken by other content",
        413: "The body is too large",
        415: "The body is of another content type",
        422: "The input is not valid; `errors` says where",
        503: "Not ready yet or overloaded; try again after `Retry-After` seconds",
    }
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {"description": names[status], "content": {MEDIA_TYPE: schema}}
        for status in sorted({*statuses, 422, 503})
    }


def _methods(app: FastAPI, scope: Scope) -> list[str]:
    """All methods of a path. The error names those of one route only, and a path can have several."""
    return [
        method
        for method in ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in app.routes)
    ]


def _place(loc: Sequence[str | int]) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{part[:80]}" for part in loc]
    return _clean("".join(parts).removeprefix(".")) or "body"


def _message(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        return "no field of this name exists; leave it out"
    if error["type"] == "missing":
        return "is required"
    if error["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return "must be a JSON object"
    return error["msg"].removeprefix("Value error, ")


def _clean(text: str) -> str:
    """Names of fields come from outside: no control characters, no halves of surrogate pairs, not without end."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text[:2000])
