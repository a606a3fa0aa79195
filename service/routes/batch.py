"""Many documents at once: ``POST /documents:batch``, one JSON object a line, taken in as it arrives."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import ValidationError

from rag.errors import InvalidInput
from rag.types import Document
from service import body, convert
from service.ndjson import lines
from service.problems import faults, responses, summary
from service.schemas import BatchReply, DocumentIn, RefusedLine
from service.serving import Served, Serving

MEDIA_TYPE = "application/x-ndjson"
BLOCK_DOCUMENTS = 1000
BLOCK_CHARACTERS = 4_000_000
MOST_REFUSED = 10_000


def make_router(max_body_size: int) -> APIRouter:
    """The route with its own limit on the body, in bytes."""
    router = APIRouter(tags=["documents"], max_body_size=max_body_size)
    router.post(
        "/documents:batch",
        operation_id="add_documents",
        summary="Add many documents",
        responses=responses(413, 415),
        openapi_extra={
            "requestBody": {
                "required": True,
                "description": "one document a line, in the shape of DocumentIn",
                "content": {
                    MEDIA_TYPE: {
                        "schema": {"type": "string"},
                        "example": '{"id": "notice-1", "title": "通知", "text": "会议定于3月5日举行。"}\n',
                    }
                },
            }
        },
    )(add_documents)
    return router


async def add_documents(
    request: Request,
    served: Served,
    wait: Annotated[bool, Query(description="false, for a job, is not possible yet")] = True,
) -> BatchReply:
    """Answers once all is durable and can be found. A line that is not a document is refused with its number and the
    others are added; an id that exists is replaced. `added` counts documents that are new or replaced, `unchanged`
    those that were there with the same content. What was added before a connection breaks stays; sending all of it
    again is safe."""
    body.require(request, MEDIA_TYPE)
    if not wait:
        raise InvalidInput("wait=false asks for a job, which this version does not have; leave it out")
    _ = served.engine  # not ready: said before the body is read
    batch = _Batch(served)
    async for number, line in lines(request.stream(), served.settings.max_document_bytes):
        await batch.take(number, line)
    await batch.flush()
    return BatchReply(added=batch.added, unchanged=batch.unchanged, refused=sorted(batch.refused, key=_number))


class _Batch:
    """Collects documents into blocks, each added in one write."""

    def __init__(self, served: Serving) -> None:
        self.added = self.unchanged = 0
        self.refused: list[RefusedLine] = []
        self._served = served
        self._block: dict[str, tuple[int, Document]] = {}
        self._characters = 0

    async def take(self, number: int, line: bytes | None) -> None:
        given: Any = None
        try:
            if line is None:
                most = self._served.settings.max_document_bytes
                raise InvalidInput(f"the line is longer than {most} bytes; split the document")
            given = body.parse(line, "the line")
            document = convert.to_document(DocumentIn.model_validate(given))
        except InvalidInput as error:
            self._refuse(number, _readable_id(given), str(error))
        except ValidationError as error:
            found = faults(error.errors(include_url=False, include_input=False))
            self._refuse(number, _readable_id(given), summary(found, error.error_count()))
        else:
            if document.id in self._block:
                await self.flush()  # the later line replaces the earlier one, as it would in another batch
            self._block[document.id] = number, document
            self._characters += len(document.text)
            if len(self._block) >= BLOCK_DOCUMENTS or self._characters >= BLOCK_CHARACTERS:
                await self.flush()

    async def flush(self) -> None:
        block, self._block, self._characters = list(self._block.values()), {}, 0
        if block:
            try:
                await self._add([document for _, document in block])
            except InvalidInput:
                await self._one_by_one(block)

    async def _one_by_one(self, block: Sequence[tuple[int, Document]]) -> None:
        """The engine takes a block or nothing of it: finds the documents that it does not take."""
        for number, document in block:
            try:
                await self._add([document])
            except InvalidInput as error:
                self._refuse(number, document.id, str(error))

    async def _add(self, documents: list[Document]) -> None:
        report = await self._served.write(lambda engine: engine.add(documents))
        self.added += len(report.added)
        self.unchanged += len(report.unchanged)

    def _refuse(self, number: int, id: str | None, detail: str) -> None:
        if len(self.refused) >= MOST_REFUSED:
            raise InvalidInput(
                f"more than {MOST_REFUSED} lines are not documents, the last of them line {number}; every line must "
                f"hold one JSON object with a text. Documents of earlier lines may have been added"
            )
        self.refused.append(RefusedLine(line=number, id=id, detail=detail))


def _readable_id(given: Any) -> str | None:
    """The id of a line that is refused, where it is one."""
    id = given.get("id") if isinstance(given, dict) else None
    return id[:200] if isinstance(id, str) else None


def _number(line: RefusedLine) -> int:
    return line.line
