"""The pages for people: ``/``, a document at a span, and the description of the interface."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from rag.errors import NotFound
from service.serving import Served

WEB = Path(__file__).resolve().parent.parent / "web"

# Everything comes from this service; no script or style stands in a page, so none can be smuggled into one.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class _Assets(StaticFiles):
    """Asked for anew each time: modules of two versions must not meet in a browser. Unchanged ones are answered 304."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if path.endswith(".html"):
            raise HTTPException(404)  # a page is served under its own address only, with its policy
        return await super().get_response(path, scope)

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


router = APIRouter(include_in_schema=False)
assets = _Assets(directory=WEB)


def page(name: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A page of the folder ``web``."""
    own = {"Content-Security-Policy": _POLICY, "Referrer-Policy": "same-origin", "Cache-Control": "no-cache"}
    return FileResponse(WEB / name, status, headers={**own, **(headers or {})}, media_type="text/html; charset=utf-8")


@router.get("/")
@router.head("/")
async def home() -> Response:
    """The page where people ask."""
    return page("index.html")


@router.get("/docs")
@router.head("/docs")
async def docs() -> Response:
    """The interface, described from ``/openapi.json``; needs nothing from the internet."""
    return page("docs.html")


@router.get("/documents/{id}/view")
@router.head("/documents/{id}/view")
async def view(id: str, served: Served) -> Response:
    """A document; ``#START-END`` marks a span of it. The page reads the text from ``/documents/{id}``."""
    try:
        await served.read(lambda engine: engine.document(id))
    except NotFound:
        return page("view.html", 404)
    return page("view.html")
