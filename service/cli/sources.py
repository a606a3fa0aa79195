"""Documents from files, folders, zips and JSON Lines, one after the other, however many there are."""

import gzip
import json
import lzma
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import TypeAdapter, ValidationError

from rag import ingest
from rag.errors import InvalidInput, RagError
from rag.types import Document
from service import convert
from service.fields import BAD_IN_TEXT, DocumentId
from service.problems import faults, summary
from service.schemas import DocumentIn

LINES = (".jsonl", ".ndjson", ".jsonl.xz", ".ndjson.xz", ".jsonl.gz", ".ndjson.gz")
_KNOWN = frozenset(DocumentIn.model_fields)
_LARGEST = 2**30  # bytes that a zip may unpack to


class Sources:
    """An iterable of documents; what is none is noted in ``refused`` and passed by."""

    def __init__(self, paths: Sequence[Path], id: str | None = None) -> None:
        """``id`` is given to the one document that there must be then. Raises InvalidInput."""
        self.refused: list[tuple[str, str]] = []
        self._files = [file for path in paths for file in (ingest.walk(path) if path.is_dir() else (path,))]
        self._sizes = [max(file.stat().st_size, 1) for file in self._files]
        self._read = 0
        self._stream: BinaryIO | None = None  # of the file of lines that is being read
        self._id = id
        if id is not None and (len(self._files) != 1 or _is_lines(self._files[0]) or _is_zip(self._files[0])):
            raise InvalidInput("--id names one document: give one file that holds one.")
        if id is not None:
            _check_id(id)

    def expected(self, done: int) -> int:
        """How many documents there will be, judged by the bytes that the first ``done`` took."""
        read = self._read + (self._stream.tell() if self._stream else 0)
        return max(done, round(done * sum(self._sizes) / max(read, 1)))

    def __iter__(self) -> Iterator[Document]:
        for file, size in zip(self._files, self._sizes, strict=True):
            try:
                if _is_lines(file):
                    yield from self._lines(file)
                elif _is_zip(file):
                    yield from self._zip(file)
                else:
                    document = ingest.parse(file.read_bytes(), file.name)
                    yield document if self._id is None else replace(document, id=self._id)
            except RagError as error:
                self.refused.append((str(file), str(error)))
            self._read += size

    def _zip(self, file: Path) -> Iterator[Document]:
        for name, found in ingest.archive(file.read_bytes(), file.name, limit=_LARGEST):
            if isinstance(found, Document):
                yield found
            else:
                self.refused.append((f"{file}, {name}", str(found)))

    def _lines(self, file: Path) -> Iterator[Document]:
        with file.open("rb") as raw:
            self._stream = raw
            lines = _unpacked(raw, file.suffix.lower())
            number = 0
            try:
                for number, line in enumerate(lines, 1):
                    if line.strip():
                        try:
                            yield _document(line)
                        except InvalidInput as error:
                            self.refused.append((f"{file}, line {number}", str(error)))
            except (lzma.LZMAError, gzip.BadGzipFile, EOFError) as error:
                raise InvalidInput(f"after line {number} the file cannot be unpacked ({error})") from error
            finally:
                self._stream = None


def _check_id(id: str) -> None:
    """Raise InvalidInput where the HTTP service would not take the id either."""
    try:
        TypeAdapter(DocumentId).validate_python(id)
    except ValidationError as error:
        found = faults(error.errors(include_url=False, include_input=False))
        raise InvalidInput(f"--id {id!r}: {'; '.join(fault.detail for fault in found)}") from None


def _document(line: bytes) -> Document:
    """A document of one line. Fields that a document does not have become metadata; ``date`` is its date.

    Control characters are left out of its text, which ``POST /documents`` refuses.
    """
    try:
        given: Any = json.loads(line)
        if not isinstance(given, dict):
            raise InvalidInput("not a JSON object")
        fields = {name: value for name, value in given.items() if name in _KNOWN}
        rest = {name: value for name, value in given.items() if name not in _KNOWN}
        if "published" not in fields and isinstance(rest.get("date"), str):
            fields["published"] = rest.pop("date")[:10] or None
        if isinstance(fields.get("text"), str):
            fields["text"] = BAD_IN_TEXT.sub("", fields["text"])  # in texts from the web; they show nothing
        if isinstance(fields.get("id"), int):
            fields["id"] = str(fields["id"])
        if rest:
            fields["metadata"] = rest | (fields.get("metadata") or {})
        return convert.to_document(DocumentIn.model_validate(fields))
    except ValidationError as error:
        raise InvalidInput(summary(faults(error.errors(include_url=False, include_input=False)))) from None
    except ValueError as error:
        raise InvalidInput(f"not JSON in UTF-8 ({error})") from None


def _unpacked(raw: BinaryIO, ending: str) -> Iterable[bytes]:
    if ending == ".xz":
        return lzma.open(raw)
    return gzip.open(raw) if ending == ".gz" else raw


def _is_lines(file: Path) -> bool:
    return file.name.lower().endswith(LINES)


def _is_zip(file: Path) -> bool:
    return file.suffix.lower() == ".zip"
