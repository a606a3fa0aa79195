"""Citations: the spans that an answer stands on, each checked against the stored text character by character."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rag.answer.units import Unit
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
class Statement:
    """Units of one document that stand side by side in the answer and share one citation."""

    units: tuple[Unit, ...]
    confidence: float

    def moved(self, by: int) -> "Statement":
        """The same, with its passages numbered ``by`` higher."""
        return replace(self, units=tuple(replace(unit, hit=unit.hit + by) for unit in self.units))

    def within(self, other: "Statement") -> bool:
        """Whether ``other`` says all of it."""
        return all(
            any(u.document_id == o.document_id and o.start <= u.start and u.end <= o.end for o in other.units)
            for u in self.units
        )


def cite(
    statements: Sequence[Statement],
    hits: Sequence[Hit],
    documents: Mapping[str, Document],
    copies: Copies,
) -> tuple[str, tuple[str, ...], tuple[Citation, ...]]:
    """The answer that ``statements`` make: its text, the pieces it is said in, and its citations in marker order.

    ``copies`` gives, for an id, the texts of the document's reprints by theirs; a citation names those that hold its
    quote. Raises CitationError where a quote is not the span it claims to be; that is never the user's fault.
    """
    pieces: list[str] = []
    citations: list[Citation] = []
    for marker, statement in enumerate(statements, 1):
        document = documents[statement.units[0].document_id]
        start, end = _quote(statement.units)
        said = [unit.text for unit in statement.units]
        for before, unit, after in zip(statement.units, statement.units[1:], range(1, len(said)), strict=False):
            said[after] = document.text[before.end : unit.end]  # with the white space that stands between them
        if any(document.text[u.start : u.end] != u.text for u in statement.units):
            raise CitationError(f"a part of the answer is not the text of {document.id!r} that it is said to be")
        said = [neutralise_markers(part) for part in said]
        said[-1] += f"[{marker}]"
        if pieces:
            said[0] = "\n" + said[0]
        first = len(pieces)
        pieces += said
        supports = tuple(range(first, len(pieces)))
        citations.append(
            make_citation(
                marker,
                document,
                hits[statement.units[0].hit].chunk_id,
                (start, end),
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


def _quote(units: Sequence[Unit]) -> tuple[int, int]:
    """The whole sentences that the units stand in, or the units alone where those are too long to quote."""
    start, end = min(u.sentence[0] for u in units), max(u.sentence[1] for u in units)
    if end - start > QUOTE_LIMIT:
        start, end = min(u.start for u in units), max(u.end for u in units)
    return start, end
