"""The things that travel between the stages. No logic; imports nothing of the project.

Offsets count Unicode code points of ``Document.text`` and are half-open, ``[start, end)``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Reason = Literal["no_topic", "no_answer", "small_talk"]
Mode = Literal["extractive", "llm"]


@dataclass(frozen=True, slots=True)
class Document:
    """One article, as it is stored. ``sha256``, ``chunks`` and ``added`` are filled in by the library."""

    id: str
    text: str
    title: str = ""
    source: str | None = None
    url: str | None = None
    published: str | None = None  # ISO date, "2023-03-06"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    origin: Literal["seed", "api"] = "api"
    sha256: str = ""  # of the text in UTF-8, lower-case hex
    chunks: int = 0
    added: str = ""  # ISO time in UTC


@dataclass(frozen=True, slots=True)
class Chunk:
    """A span of a document that is indexed as one: ``document.text[start:end] == text``."""

    id: str
    document_id: str
    start: int
    end: int
    text: str
    context: str = ""  # the title and the headings it stands under; searched with it, never quoted


@dataclass(frozen=True, slots=True)
class Filter:
    """Which documents a query may draw on; a field left ``None`` lets all through. Dates are ISO, inclusive."""

    document_ids: frozenset[str] | None = None
    source: str | None = None
    published_from: str | None = None
    published_to: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier message of a conversation."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found for a query; ``text`` is the exact span ``[start, end)`` of its document, at most 500 long."""

    chunk_id: str
    document_id: str
    title: str
    source: str | None
    url: str | None
    published: str | None
    text: str
    start: int
    end: int
    score: float  # fused; comparable within one reply only
    dense: float  # cosine of question and chunk
    lexical: float  # BM25
    page: int | None = None  # that it begins on, where the document has pages
    reader: float | None = None  # probability that it answers, where the reader was asked to order passages


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a part of an answer stands: ``quote == document.text[start:end]``, at most 300 long."""

    marker: int
    document_id: str
    chunk_id: str
    title: str
    source: str | None
    url: str | None
    published: str | None
    quote: str
    start: int
    end: int
    score: float
    supports: tuple[int, ...]  # numbers of the answer's sentences that the citation stands under
    page: int | None = None
    also: tuple[str, ...] = ()  # ids of other documents that hold the same text


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to a question. ``"".join(pieces) == text``; a refusal has no citations."""

    text: str
    pieces: tuple[str, ...]
    answerable: bool
    confidence: float  # probability that the best answer found is right
    reason: Reason | None
    question_resolved: str
    citations: tuple[Citation, ...]
    passages: tuple[Hit, ...]
    mode: Mode
    timings_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A question that the documents answer, and the document that it is answered from."""

    question: str
    document_id: str
    title: str


@dataclass(frozen=True, slots=True)
class IndexStats:
    """What is being served."""

    generation: str
    documents: int
    chunks: int
    model: str
    dimension: int
    bytes: int  # on disk, record and generation together
    since: str  # ISO time in UTC at which the generation was written
