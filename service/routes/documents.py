"""Documents one at a time: list, read, add."""

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from rag.errors import Conflict, NotFound
from rag.types import Document
from service import convert
from service.body import JsonRoute
from service.fields import Line
from service.problems import responses
from service.schemas import DocumentIn, DocumentList, DocumentOut
from service.serving import Served

if TYPE_CHECKING:
    from rag.engine import Engine

router = APIRouter(route_class=JsonRoute, tags=["documents"])
KnownId = Annotated[str, Path(description="percent-encoded where it holds %, ?, # or the like")]


@router.get("/documents", operation_id="list_documents", summary="List documents", responses=responses())
async def list_documents(
    served: Served,
    cursor: Annotated[Line | None, Query(max_length=200, description="next_cursor of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> DocumentList:
    """Documents without their texts, a page at a time."""
    page, following = await served.read(lambda engine: engine.documents(cursor=cursor or None, limit=limit))
    return DocumentList(documents=[convert.from_brief(each) for each in page], next_cursor=following)


@router.get("/documents/{id}", operation_id="get_document", summary="Read a document", responses=responses(404))
async def get_document(id: KnownId, served: Served) -> DocumentOut:
    """One document with the stored text that the offsets of citations refer to."""
    return convert.from_document(await served.read(lambda engine: engine.document(id)))


@router.post(
    "/documents",
    operation_id="add_document",
    summary="Add a document",
    status_code=201,
    response_model=DocumentOut,
    responses=responses(409, 413, 415) | {200: {"model": DocumentOut, "description": "It was there already"}},
)
async def add_document(body: DocumentIn, served: Served, request: Request) -> Response:
    """Answers once the document is durable and can be found. Adding the same content again changes nothing and is
    answered with 200; an id that other content has is a conflict."""
    document = convert.to_document(body)

    def call(engine: "Engine") -> tuple[Document, bool]:
        stored = _stored(engine, document.id)
        if stored is not None:
            if not convert.same_content(stored, document):
                raise Conflict(f"the id {document.id} is taken by other content; choose another id or leave it out")
            return stored, False
        engine.add([document])
        return engine.document(document.id), True

    stored, new = await served.write(call)
    return Response(
        convert.from_document(stored).model_dump_json(),
        201 if new else 200,
        headers={"Location": f"{request.scope.get('root_path', '')}/documents/{quote(stored.id, safe='')}"},
        media_type="application/json",
    )


def _stored(engine: "Engine", id: str) -> Document | None:
    try:
        return engine.document(id)
    except NotFound:
        return None
