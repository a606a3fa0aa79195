"""Documents one at a time: list, read, add, replace, correct, delete."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from rag.errors import Conflict, NotFound
from rag.types import Document
from service import convert, upload
from service.body import JsonRoute
from service.fields import DocumentId, Line
from service.problems import responses
from service.schemas import BatchReply, DocumentList, DocumentOut, DocumentPatch
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
    responses=responses(409, 413, 415)
    | {200: {"model": DocumentOut | BatchReply, "description": "It was there already; or it was a zip of several"}},
    openapi_extra=upload.BODY,
)
async def add_document(request: Request, served: Served) -> Response:
    """JSON, or a file as `multipart/form-data`: txt, md, html, pdf, docx, or a zip of those. Answers once the document
    is durable and can be found. Adding the same content again changes nothing and is answered with 200; an id that
    other content has is a conflict. The documents of a zip are added as by a batch, and the reply is the same; `line`
    numbers its entries."""
    _ = served.engine
    sent = await upload.read(request, served.settings)
    if isinstance(sent, upload.Unpacked):
        counts = sent.collector
        for block in sent.blocks:
            await served.write(lambda engine, block=block: counts.store(engine, block))  # type: ignore[misc]
        refused = sorted(counts.refused, key=lambda each: each.line)
        return _reply(BatchReply(added=counts.added, unchanged=counts.unchanged, refused=refused), 200)
    document = sent

    def call(engine: "Engine") -> tuple[Document, bool]:
        stored = _stored(engine, document.id)
        if stored is not None:
            if not convert.same_content(stored, document):
                raise Conflict(f"the id {document.id} is taken by other content; choose another id or leave it out")
            return stored, False
        engine.add([document], new=True)
        return engine.document(document.id), True

    stored, new = await served.write(call)
    return _document(request, stored, 201 if new else 200)


@router.put(
    "/documents/{id}",
    operation_id="replace_document",
    summary="Replace a document",
    response_model=DocumentOut,
    responses=responses(413, 415) | {201: {"model": DocumentOut, "description": "There was none of this id before"}},
    openapi_extra=upload.BODY,
)
async def replace_document(id: Annotated[DocumentId, Path()], request: Request, served: Served) -> Response:
    """Puts other content in place of what there is, or adds it. The same content again changes nothing. A seed that is
    replaced stays so until its file changes."""
    _ = served.engine
    document = await upload.read(request, served.settings, id=id)
    assert isinstance(document, Document)

    def call(engine: "Engine") -> tuple[Document, bool]:
        stored = _stored(engine, id)
        if stored is None or not convert.same_content(stored, document):
            engine.add([document])
        return engine.document(id), stored is None

    stored, new = await served.write(call)
    return _document(request, stored, 201 if new else 200)


@router.patch(
    "/documents/{id}",
    operation_id="correct_document",
    summary="Correct what is told of a document",
    responses=responses(404, 413, 415),
)
async def correct_document(id: KnownId, body: DocumentPatch, served: Served) -> DocumentOut:
    """Title, source, url, date and metadata; what is left out stays, null clears. The text and its offsets stay. A seed
    that is corrected stays so until its file changes."""
    changes: Mapping[str, Any] = body.changes()
    return convert.from_document(await served.write(lambda engine: engine.correct(id, changes)))


@router.delete(
    "/documents/{id}",
    operation_id="delete_document",
    summary="Delete a document",
    status_code=204,
    response_class=Response,
    responses=responses(404),
)
async def delete_document(id: KnownId, served: Served) -> Response:
    """From the reply on no query, of whichever worker, returns or cites it. A seed stays deleted until its file
    changes."""
    if not await served.write(lambda engine: engine.remove([id])):
        raise NotFound(f"There is no document {id!r}; GET /documents lists those there are.")
    return Response(status_code=204)


def _stored(engine: "Engine", id: str) -> Document | None:
    try:
        return engine.document(id)
    except NotFound:
        return None


def _document(request: Request, document: Document, status: int) -> Response:
    location = f"{request.scope.get('root_path', '')}/documents/{quote(document.id, safe='')}"
    return _reply(convert.from_document(document), status, {"Location": location})


def _reply(body: DocumentOut | BatchReply, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body.model_dump_json(), status, headers, media_type="application/json")
