"""Citations: the spans that an answer stands on, each checked against the stored text character by character."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from rag.errors import RagError
from rag.markers import neutralise_markers
from rag.pages import page_of, pages_of
from rag.reprints import holds
from rag.retrieve import Copies
from rag.types import Citation, Document, Hit

QUOTE_LIMIT = 300  # characters


class CitationError(RagError):
    """A citation would not be the exact text that it points to, so the answer must not be given."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a document that is said: ``text`` is ``[start, end)`` of it, of the sentence with that span.

    ``hit`` is the number of the passage that it was found in.
    """

    document_id: str
    start: int
    end: int
    text: str
    sentence: tuple[int, int]
    hit: int

    def say(self) -> str:
        """Return the text as it is said: with … where its sentence was cut, its own note marks made harmless."""
        before = "…" if self.start > self.sentence[0] else ""
        after = "…" if self.end < self.sentence[1] else ""
        return before + neutralise_markers(self.text) + after


@dataclass(frozen=True, slots=True)
class Statement:
    """Excerpts of one document that stand side by side in the answer and share one citation."""

    excerpts: tuple[Excerpt, ...]
    confidence: float

    def renumber(self, by: int) -> "Statement":
        """Return the same, with its passages numbered ``by`` higher."""
        return replace(self, excerpts=tuple(replace(each, hit=each.hit + by) for each in self.excerpts))

    def is_within(self, other: "Statement") -> bool:
        """Say whether ``other`` says all of it."""
        return all(
            any(e.document_id == o.document_id and o.start <= e.start and e.end <= o.end for o in other.excerpts)
            for e in self.excerpts
        )


def cite_statements(
    statements: Sequence[Statement],
    hits: Sequence[Hit],
    documents: Mapping[str, Document],
    copies: Copies,
) -> tuple[str, tuple[str, ...], tuple[Citation, ...]]:
    """Return the answer that ``statements`` make: its text, the pieces it is said in, its citations in marker order.

    ``copies`` gives, for an id, the texts of the document's reprints by theirs; a citation names those that hold its
    quote. Raises CitationError where a quote is not the span it claims to be; that is never the user's fault.
    """
    pieces: list[str] = []
    citations: list[Citation] = []
    for marker, statement in enumerate(statements, 1):
        document = documents[statement.excerpts[0].document_id]
        if any(document.text[e.start : e.end] != e.text for e in statement.excerpts):
            raise CitationError(f"a part of the answer is not the text of {document.id!r} that it is said to be")
        said = [excerpt.say() for excerpt in statement.excerpts]
        for number, (before, after) in enumerate(pairwise(statement.excerpts), 1):
            # With the white space that stands between them, which may be the line breaks of a list.
            said[number] = document.text[before.sentence[1] : after.sentence[0]] + said[number]
        said[-1] += f"[{marker}]"
        if pieces:
            said[0] = "\n" + said[0]
        supports = tuple(range(len(pieces), len(pieces) + len(said)))
        pieces += said
        citations.append(
            make_citation(
                marker,
                document,
                hits[statement.excerpts[0].hit].chunk_id,
                _find_quote(statement.excerpts),
                statement.confidence,
                supports,
                copies(document.id),
            )
        )
    return "".join(pieces), tuple(pieces), tuple(citations)


def make_citation(
    marker: int,
    document: Document,
    chunk_id: str,
    span: tuple[int, int],
    score: float,
    supports: tuple[int, ...],
    copies: Mapping[str, str],
) -> Citation:
    """Make the citation of ``document.text[start:end]``; ``copies`` are the texts of the document's reprints, by id.

    Raises CitationError where the span is not one of the document, or is longer than a quote may be.
    """
    start, end = span
    quote = document.text[start:end]
    if not 0 <= start < end <= min(len(document.text), start + QUOTE_LIMIT):
        length = len(document.text)
        raise CitationError(f"[{start}, {end}) is no quote of {document.id!r}, which has {length} characters")
    return Citation(
        marker=marker,
        document_id=document.id,
        chunk_id=chunk_id,
        title=document.title,
        source=document.source,
        url=document.url,
        published=document.published,
        quote=quote,
        start=start,
        end=end,
        score=round(score, 4),
        supports=supports,
        page=page_of(pages_of(document.metadata), start),
        also=tuple(sorted(id for id, text in copies.items() if holds(text, quote))),
    )


def _find_quote(excerpts: Sequence[Excerpt]) -> tuple[int, int]:
    """Return the span of the whole sentences of the excerpts, or of the excerpts where those are too long to quote."""
    start, end = min(e.sentence[0] for e in excerpts), max(e.sentence[1] for e in excerpts)
    if end - start > QUOTE_LIMIT:
        start, end = min(e.start for e in excerpts), max(e.end for e in excerpts)
    return start, end
