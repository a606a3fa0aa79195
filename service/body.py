"""JSON bodies, read strictly: content type, UTF-8, depth and numbers are checked before any route sees them."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import Response

from rag.errors import InvalidInput
from service.problems import UnsupportedMedia


def media_type(request: Request) -> str:
    """The content type without parameters, in lower case; "" where none is given."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def require(request: Request, *accepted: str) -> None:
    """Raises ``UnsupportedMedia`` unless the body is of an accepted type and not compressed."""
    if media_type(request) not in accepted:
        raise UnsupportedMedia(f"the content type must be {' or '.join(accepted)}; set the Content-Type header")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMedia("compressed bodies are not read; send the body without Content-Encoding")


def parse(data: bytes, what: str = "the body") -> Any:
    """JSON in UTF-8 as Python data; ``what`` names it in the error.

    Raises ``InvalidInput`` for malformed JSON, lone surrogates, NaN, and nesting beyond 200 levels.
    """
    try:
        return from_json(data, allow_inf_nan=False)
    except ValueError as error:
        # The parser names a place and a rule of JSON, never the text itself.
        raise InvalidInput(f"{what} is not valid JSON in UTF-8: {error}") from None


class _Parsed(Request):
    """A request whose JSON body was read already."""

    value: Any = None

    async def json(self) -> Any:
        return self.value


class JsonRoute(APIRoute):
    """A route whose JSON body is parsed by ``parse`` instead of ``json.loads``, which lets through what JSON forbids
    and answers some malformed bodies with an error of the server."""

    # In a body, where they are bounded: parsing holds Python up for as long as there are values in it.
    most_brackets: int | None = None
    most_commas: int | None = None

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        if self.body_field is None:
            return handler

        async def strict(request: Request) -> Response:
            parsed = _Parsed(request.scope, request.receive)
            if data := await parsed.body():
                require(request, "application/json")
                if self.most_brackets is not None and data.count(b"{") + data.count(b"[") > self.most_brackets:
                    raise InvalidInput(f"the body holds more than {self.most_brackets:,} objects and lists; send fewer")
                if self.most_commas is not None and data.count(b",") > self.most_commas:
                    raise InvalidInput(f"the body holds more than {self.most_commas:,} commas; send fewer values")
                parsed.value = parse(data)
            return await handler(parsed)

        return strict


class SmallJsonRoute(JsonRoute):
    """A route for questions: their bodies hold few objects, and text more than values."""

    most_brackets = 20_000
    most_commas = 400_000
