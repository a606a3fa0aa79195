"""Documents as rows of the record: what is checked before they go in and hashed so that damage is seen."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rag.errors import Damaged, IndexMismatch, InvalidInput
from rag.types import Chunk, Document


@dataclass(frozen=True, slots=True)
class Identity:
    """What chunks, vectors and terms were made with; they are comparable only where all of it agrees."""

    model: str
    dimension: int
    analyzer: str
    chunker: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A document with everything computed of it, ready to be stored.

    ``inputs[i]`` is the text that was embedded for ``chunks[i]``; ``vectors`` is ``(n, dimension)`` float32.
    """

    document: Document
    chunks: Sequence[Chunk]
    inputs: Sequence[str]
    vectors: np.ndarray


@dataclass(frozen=True, slots=True)
class Stored:
    """A version of a document as the record holds it; ``key`` belongs to this version alone.

    ``digest`` is SHA-256 over all but the key and the time; ``vectors`` is ``(len(chunks), dimension)`` float32.
    """

    key: int
    digest: bytes
    document: Document
    chunks: tuple[Chunk, ...]
    vectors: np.ndarray


@dataclass(frozen=True, slots=True)
class Row:
    """An entry checked and hashed: what goes into the tables."""

    document: Document
    metadata: str
    chunks: Sequence[Chunk]
    inputs: list[bytes]
    vectors: np.ndarray
    layout: bytes
    digest: bytes


def input_hash(model: str, text: str) -> bytes:
    """The key under which the vector of ``text`` is kept: SHA-256, 32 bytes."""
    return hashlib.sha256(f"{model}\0{text}".encode()).digest()


def vector_hash(key: bytes, vector: bytes) -> bytes:
    """SHA-256 over a vector's key and its bytes, by which a changed bit is noticed."""
    return hashlib.sha256(key + vector).digest()


def layout_hash(chunks: Sequence[Chunk], inputs: Sequence[bytes]) -> bytes:
    """SHA-256 over a document's chunks: ids, spans, contexts and vector keys."""
    rows = [[c.id, c.start, c.end, c.context, key.hex()] for c, key in zip(chunks, inputs, strict=True)]
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).digest()


def document_hash(document: Document, layout: bytes) -> bytes:
    """SHA-256 over a document's fields; the text goes in by its own hash, ``added`` not at all."""
    fields: list[Any] = [document.id, document.title, document.source, document.url, document.published]
    fields += [dict(document.metadata), document.origin, document.sha256, layout.hex()]
    return hashlib.sha256(json.dumps(fields, ensure_ascii=False, sort_keys=True).encode()).digest()


def make(entry: Entry, identity: Identity) -> Row:
    """Checks an entry and computes its hashes.

    Raises:
        InvalidInput: a string that cannot be stored (a lone surrogate, NUL), or metadata that is not JSON.
        ValueError: chunks, inputs and vectors do not fit each other or the document.
    """
    document = entry.document
    if len(entry.inputs) != len(entry.chunks) or entry.vectors.shape != (len(entry.chunks), identity.dimension):
        raise ValueError(
            f"document {document.id!r}: {len(entry.chunks)} chunks, {len(entry.inputs)} inputs and vectors of shape "
            f"{entry.vectors.shape} do not fit (dimension {identity.dimension})"
        )
    try:
        metadata = json.dumps(dict(document.metadata), ensure_ascii=False, allow_nan=False)
        strings = (document.id, document.title, document.source, document.url, document.published, document.text)
        if any("\0" in s for s in strings if s):
            raise InvalidInput(f"Document {document.id!r} has a NUL character: take it out.")
        document = replace(
            document, sha256=hashlib.sha256(document.text.encode()).hexdigest(), chunks=len(entry.chunks)
        )
        inputs = [input_hash(identity.model, text) for text in entry.inputs]
        layout = layout_hash(entry.chunks, inputs)
        digest = document_hash(document, layout)
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"Document {document.id!r} has a lone surrogate ({error.object[error.start : error.end]!r}), "
            "which no UTF-8 text can hold: send the character whole."
        ) from error
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"The metadata of document {document.id!r} is no JSON object: {error}") from error
    vectors = np.ascontiguousarray(entry.vectors, dtype="<f4")
    if not np.isfinite(vectors).all():
        raise ValueError(f"document {document.id!r}: a vector holds NaN or infinity")
    for c in entry.chunks:
        if document.text[c.start : c.end] != c.text or c.document_id != document.id:
            raise ValueError(f"chunk {c.id!r} is no span of document {document.id!r}")
    return Row(document, metadata, entry.chunks, inputs, vectors, layout, digest)


def read(row: Any, text: str = "") -> Document:
    """The document of a row of ``documents``; ``text`` is left empty where only the fields are wanted.

    Raises:
        Damaged: the fields or the text are not what was stored.
    """
    document = Document(
        id=row.id,
        text=text,
        title=row.title,
        source=row.source,
        url=row.url,
        published=row.published,
        metadata=json.loads(row.metadata),
        origin=row.origin,
        sha256=row.sha256,
        chunks=row.chunks,
        added=row.added,
    )
    if document_hash(document, row.layout) != row.digest:
        raise damaged(row.id, "fields")
    if text:
        check_text(row.id, text, row.sha256)
    return document


def check_text(id: str, text: str, sha256: str) -> None:
    """Raises Damaged where ``text`` is not what was stored."""
    if hashlib.sha256(text.encode()).hexdigest() != sha256:
        raise damaged(id, "text")


def damaged(id: str, what: str) -> Damaged:
    """The error to raise where a row of the record is not what its hash says."""
    return Damaged(
        f"The record's {what} of document {id!r} changed on disk: put a backup of the record in its place, "
        "or add the document again."
    )


def mismatch(recorded: Identity, wanted: Identity) -> IndexMismatch:
    """The error to raise where what is stored was made with something else than what is running."""
    names = [n for n in ("model", "dimension", "analyzer", "chunker") if getattr(recorded, n) != getattr(wanted, n)]
    parts = [f"{n} {getattr(recorded, n)!r}, now it is {getattr(wanted, n)!r}" for n in names]
    return IndexMismatch(
        f"The index was made with {'; '.join(parts)}: "
        "run `rag build` to make it again with this, or start with the former."
    )
