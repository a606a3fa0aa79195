"""The answer to a whole question: one for each of its parts, with citations, or an honest refusal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.answering.calibration import Calibration
from rag.answering.candidate_windows import Candidate, is_on_topic, rank_windows
from rag.answering.citations import Statement, cite_statements
from rag.answering.metadata_questions import CONFIDENCE, about_document
from rag.answering.reader import Reader
from rag.answering.refusals import word_refusal
from rag.answering.sentence_selection import select_statements
from rag.question import Query, Single
from rag.retrieve import Found
from rag.text import fold
from rag.types import Answer, Document, Hit, Reason

READ_AT_ONCE = 2  # windows
MOST_WINDOWS = 4  # that are read for one question
SURE = 0.8  # confidence of the best answer from which nothing more is read
_MOST_LINES = 3  # of a document's own details that are said


@dataclass(frozen=True, slots=True)
class Looked:
    """A question and what was found for each of its parts, in ``seconds``."""

    query: Query
    found: tuple[Found, ...]
    seconds: float = 0.0

    @property
    def passages(self) -> tuple[Hit, ...]:
        """All that were found, each once."""
        return tuple({hit.chunk_id: hit for own in self.found for hit in own.hits}.values())


@dataclass(frozen=True, slots=True)
class Extract:
    """What was found for one part of a question: ``statements`` may be empty, and then there is a ``reason``."""

    statements: tuple[Statement, ...]
    confidence: float
    reason: Reason | None


def answer_question(looked: Looked, reader: Reader, calibration: Calibration, threshold: float) -> Answer:
    """Answer each part from what was found for it; what is said for one is not said again for the next.

    ``timings_ms`` is left empty. The confidence of several answers is that of the least sure; of a refusal, that of
    the answer withheld.
    """
    query, found, passages = looked.query, looked.found, looked.passages
    if query.small_talk:
        text = word_refusal(query.language, "small_talk")
        return Answer(text, (text,), False, 0.0, "small_talk", query.text, (), (), "extractive", {})
    hits: list[Hit] = []
    documents: dict[str, Document] = {}
    extracts: list[Extract] = []
    statements: list[Statement] = []
    for part, own in zip(query.parts, found, strict=True):
        extract = find_answer(part, own.hits, own.documents, reader, calibration, threshold, said=query.said)
        extracts.append(extract)
        base = len(hits)
        hits += own.hits
        documents |= own.documents
        for statement in extract.statements:
            renumbered = statement.renumber(base)
            if not any(renumbered.is_within(earlier) for earlier in statements):
                statements.append(renumbered)
    answered = [extract for extract in extracts if extract.statements]
    if not answered:
        best = max(extracts, key=lambda extract: extract.confidence)
        reason = best.reason or "no_topic"
        text = word_refusal(query.language, reason)
        return Answer(text, (text,), False, best.confidence, reason, query.text, (), passages, "extractive", {})
    text, pieces, citations = cite_statements(statements, hits, documents, lambda id: copies_of(found, id))
    confidence = min(extract.confidence for extract in answered)
    return Answer(text, pieces, True, confidence, None, query.text, citations, passages, "extractive", {})


def find_answer(
    part: Single,
    hits: Sequence[Hit],
    documents: Mapping[str, Document],
    reader: Reader,
    calibration: Calibration,
    threshold: float,
    *,
    said: str = "",
) -> Extract:
    """Find what answers one question in the passages ``hits``, where its confidence reaches ``threshold``.

    ``said`` is text that must not be said again. ``reason`` tells a topic that the corpus lacks from a fact that its
    passages on the topic do not state.
    """
    lines = about_document(part.text, hits, documents)
    if lines is not None:
        confidence = CONFIDENCE if lines else 1 - CONFIDENCE
        if confidence < threshold or not lines:
            return Extract((), confidence, "no_answer")
        chosen = tuple(Statement((line,), confidence) for line in lines[:_MOST_LINES])
        return Extract(chosen, confidence, None)
    statements, confidence = _read_best(part, hits, documents, reader, calibration, said)
    if not statements and said:  # all that the passages hold was said before
        return Extract((), 0.0, "no_topic")
    if not statements or confidence < threshold:
        near = is_on_topic(part.words, hits, documents)
        return Extract((), confidence, "no_answer" if near else "no_topic")
    return Extract(statements, confidence, None)


def _read_best(
    part: Single,
    hits: Sequence[Hit],
    documents: Mapping[str, Document],
    reader: Reader,
    calibration: Calibration,
    said: str,
) -> tuple[tuple[Statement, ...], float]:
    """Read windows, the likeliest first, and return what the best one says, with its confidence."""
    best: tuple[Statement, ...] = ()
    confidence = 0.0
    ranked = rank_windows(part.words, hits, documents)[: MOST_WINDOWS * (2 if said else 1)]
    for first in range(0, len(ranked), READ_AT_ONCE):
        windows = ranked[first : first + READ_AT_ONCE]
        readings = reader.read_windows(part.text, [(window.title, window.text) for window in windows])
        for window, reading in zip(windows, readings, strict=True):
            sure = calibration.estimate(reading.judgment, window.share)
            if sure <= confidence:
                continue
            span = window.start + reading.start, window.start + reading.end
            statements = _select(window, span, hits, documents, sure, part)
            if statements and not (said and _is_said(statements, said)):
                best, confidence = statements, sure
        if confidence >= SURE:
            break
    return best, confidence


def _select(
    window: Candidate,
    span: tuple[int, int],
    hits: Sequence[Hit],
    documents: Mapping[str, Document],
    confidence: float,
    part: Single,
) -> tuple[Statement, ...]:
    hit = hits[window.hit]
    document = documents[window.document_id]
    whole = part.kind == "list"
    return tuple(select_statements(document, (hit.start, hit.end), span, window.hit, confidence, whole=whole))


def _is_said(statements: Sequence[Statement], said: str) -> bool:
    folded = fold(said)
    return all(fold(excerpt.text) in folded for statement in statements for excerpt in statement.excerpts)


def copies_of(found: Sequence[Found], id: str) -> dict[str, str]:
    """Return the texts of a document's reprints, by their ids."""
    return {other: text for own in found if id in own.documents for other, text in own.copies(id).items()}
