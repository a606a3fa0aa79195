"""What is sent as a document: JSON, or a file in a form."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from rag.errors import InvalidInput
from rag.types import Document
from service import body, convert
from service.collector import Block, Collector
from service.schemas import DocumentIn, UploadFields
from service.settings import Settings

JSON, FORM = "application/json", "multipart/form-data"
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {"schema": {"$ref": "#/components/schemas/DocumentIn"}},
            FORM: {
                "schema": {
                    "allOf": [{"$ref": "#/components/schemas/UploadFields"}],
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary"}},
                    "required": ["file"],
                }
            },
        },
    }
}
T = TypeVar("T", DocumentIn, UploadFields)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What a zip holds: blocks of documents to store with the collector, which has noted what is none."""

    collector: Collector
    blocks: Sequence[Block]


async def read(request: Request, settings: Settings, *, id: str | None = None) -> Document | Unpacked:
    """The document that a request holds, under the ``id`` of its path where there is one, or what a zip holds.

    Raises InvalidInput, UnsupportedMedia or RequestValidationError.
    """
    body.require(request, JSON, FORM)
    if body.media_type(request) == JSON:
        given = _valid(DocumentIn, body.parse(await request.body()))
        return convert.under(convert.to_document(given), given.id, id)
    try:
        async with request.form(max_files=1, max_fields=10) as form:
            return await _file(form, settings, id)
    except HTTPException as error:
        if error.status_code == 413:
            raise
        raise InvalidInput(f"the form cannot be read: {error.detail}") from None


async def _file(form: FormData, settings: Settings, id: str | None) -> Document | Unpacked:
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise InvalidInput("the form holds no file; send one in the field `file`")
    fields = _valid(UploadFields, {name: value for name, value in form.multi_items() if name != "file"})
    name = (file.filename or "").replace("\\", "/").rsplit("/", 1)[-1]
    data = await file.read()
    if name.lower().endswith(".zip"):
        if id is not None or fields != UploadFields():
            raise InvalidInput("a zip holds several documents, which no id, title or other field can be given for")
        return await asyncio.to_thread(_unpacked, data, name, settings)
    document = convert.with_fields(await asyncio.to_thread(_parsed, data, name), fields)
    return convert.under(document, fields.id, id)


def _parsed(data: bytes, name: str) -> Document:
    from rag import ingest  # here, so that a start need not wait for it

    return ingest.parse(data, name)


def _unpacked(data: bytes, name: str, settings: Settings) -> Unpacked:
    from rag import ingest

    collector = Collector(settings.max_document_bytes)
    blocks: list[Block] = []
    for number, (entry, found) in enumerate(ingest.archive(data, name, limit=settings.max_batch_bytes), 1):
        if isinstance(found, Document):
            blocks += collector.put(number, found)
        else:
            collector.refuse(number, entry[:200], str(found))
    return Unpacked(collector, [*blocks, *collector.rest()])


def _valid(model: type[T], given: Any) -> T:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise RequestValidationError(_in_body(error)) from None


def _in_body(error: ValidationError) -> list[Any]:
    found: list[Any] = list(error.errors(include_url=False, include_input=False))
    return [dict(each, loc=("body", *each["loc"])) for each in found]
