"""An answer that a language model wrote, put together from the sentences that were checked."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from rag.answer.cite import QUOTE_LIMIT, make_citation
from rag.answer.reply import Looked, copies_of, refusal
from rag.grammar import HAN
from rag.markers import neutralise_markers
from rag.types import Answer, Citation, Hit, Reason
from rag.verify import Kept, Quote
from rag.verify.check import between

SURE = 0.02  # confidence below which «not on this topic» is believed


@dataclass(frozen=True, slots=True)
class Draft:
    """The extractive answer to a question, beside which a language model may write another from the same passages."""

    answer: Answer
    looked: Looked
    threshold: float

    @property
    def hopeless(self) -> bool:
        """Whether it is sure that the documents lack the topic, so that no model need look. It never is of English
        passages: a question without Chinese is looked for in Chinese words, which those cannot hold."""
        passages, translated = self.answer.passages, any(part.words != part.text for part in self.looked.query.parts)
        foreign = translated and any(not HAN.search(hit.text) for hit in passages)
        sure = self.answer.reason == "no_topic" and self.answer.confidence < SURE
        return not passages or (sure and not foreign)


@dataclass(slots=True)
class _Cited:
    hit: Hit
    start: int  # of the document's text
    end: int
    score: float
    supports: list[int] = field(default_factory=list)


class Written:
    """Takes sentences as they are checked; ``hits`` are the passages that they were checked against."""

    def __init__(self, hits: Sequence[Hit]) -> None:
        self._hits = hits
        self._cited: list[_Cited] = []
        self._pieces: list[str] = []
        self._last: Kept | None = None

    def add(self, kept: Kept) -> str:
        """What the sentence adds to the answer, with its markers in the order of their first use."""
        markers = dict.fromkeys(self._marker(quote, kept) for quote in kept.quotes)
        for marker in markers:
            self._cited[marker - 1].supports.append(len(self._pieces))
        piece = (
            between(self._last, kept)
            + neutralise_markers(kept.text)
            + "".join(f"[{marker}]" for marker in sorted(markers))
        )
        self._pieces.append(piece)
        self._last = kept
        return piece

    @property
    def empty(self) -> bool:
        """Whether nothing was said."""
        return not self._pieces

    def citations(self, looked: Looked) -> tuple[Citation, ...]:
        """Those of all markers so far."""
        documents = {id: document for found in looked.found for id, document in found.documents.items()}
        return tuple(
            make_citation(
                marker,
                documents[cited.hit.document_id],
                cited.hit.chunk_id,
                (cited.start, cited.end),
                cited.score,
                tuple(cited.supports),
                copies_of(looked.found, cited.hit.document_id),
            )
            for marker, cited in enumerate(self._cited, 1)
        )

    def answer(self, draft: Draft, citations: tuple[Citation, ...]) -> Answer:
        """The whole answer with its ``citations``. Its confidence is the draft's, or where that fell short the
        threshold: that it is given."""
        return replace(
            draft.answer,
            text="".join(self._pieces),
            pieces=tuple(self._pieces),
            answerable=True,
            confidence=max(draft.answer.confidence, draft.threshold),
            reason=None,
            citations=citations,
            mode="llm",
        )

    def _marker(self, quote: Quote, kept: Kept) -> int:
        hit = self._hits[quote.passage]
        start, end = hit.start + quote.start, hit.start + quote.end
        for marker, cited in enumerate(self._cited, 1):
            if cited.hit.document_id != hit.document_id:
                continue
            first, last = min(start, cited.start), max(end, cited.end)
            gap = sorted((start, end, cited.start, cited.end))[1:3] if start > cited.end or cited.start > end else None
            inside = gap is None or (cited.hit is hit and not hit.text[gap[0] - hit.start : gap[1] - hit.start].strip())
            if inside and last - first <= QUOTE_LIMIT:
                cited.start, cited.end, cited.score = first, last, max(cited.score, kept.covered)
                return marker
        self._cited.append(_Cited(hit, start, end, kept.covered))
        return len(self._cited)


def refused(draft: Draft) -> Answer:
    """What is said where the model found no answer, or none that its passages bear out."""
    reason: Reason = draft.answer.reason or "no_answer"
    text = refusal(draft.looked.query.language, reason)
    confidence = min(draft.answer.confidence, 0.99 * draft.threshold)  # below what is answered
    return replace(
        draft.answer, text=text, pieces=(text,), answerable=False, confidence=confidence, reason=reason, citations=(),
        mode="llm",
    )  # fmt: skip
