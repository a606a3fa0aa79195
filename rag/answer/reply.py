"""The reply to a whole question: an answer to each of its parts, with citations, or an honest refusal."""

from collections.abc import Sequence
from dataclasses import dataclass

from rag.answer.cite import Statement, cite
from rag.answer.consider import Tools
from rag.answer.extract import Extract, extract
from rag.answer.scorer import Scorer
from rag.question import Language, Query
from rag.retrieve import Found
from rag.types import Answer, Document, Hit, Reason

_REFUSALS: dict[str, dict[Reason, str]] = {
    "zh": {
        "no_topic": "文档中没有与这个问题相关的内容。",
        "no_answer": "文档中提到了相关内容，但没有说明这一点。",
        "small_talk": "你好！请直接提问，我根据文档回答，并注明出处。",
    },
    "zh-Hant": {
        "no_topic": "文件中沒有與這個問題相關的內容。",
        "no_answer": "文件中提到了相關內容，但沒有說明這一點。",
        "small_talk": "你好！請直接提問，我根據文件回答，並註明出處。",
    },
    "en": {
        "no_topic": "The documents hold nothing on this question.",
        "no_answer": "The documents touch on this, but do not say.",
        "small_talk": "Hello! Just ask: I answer from the documents and cite them.",
    },
}


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


def refusal(language: Language, reason: Reason) -> str:
    """What is said where no answer is given."""
    return _REFUSALS[language][reason]


def reply(looked: Looked, scorer: Scorer, tools: Tools, *, threshold: float) -> Answer:
    """Answer each part from what was found for it; what is said for one is not said again for the next.

    ``timings_ms`` is left empty.

    The confidence of several answers is that of the least sure; of a refusal, that of the answer withheld.
    """
    query, found, passages = looked.query, looked.found, looked.passages
    if query.small_talk:
        text = refusal(query.language, "small_talk")
        return Answer(text, (text,), False, 0.0, "small_talk", query.text, (), (), "extractive", {})
    hits: list[Hit] = []
    documents: dict[str, Document] = {}
    extracts: list[Extract] = []
    statements: list[Statement] = []
    for part, own in zip(query.parts, found, strict=True):
        extracted = extract(part, own.hits, own.documents, scorer, tools, threshold=threshold, said=query.said)
        extracts.append(extracted)
        base = len(hits)
        hits += own.hits
        documents |= own.documents
        for statement in extracted.statements:
            moved = statement.moved(base)
            if not any(moved.within(earlier) for earlier in statements):
                statements.append(moved)
    answered = [e for e in extracts if e.statements]
    if not answered:
        best = max(extracts, key=lambda e: e.confidence)
        reason = best.reason or "no_topic"
        text = refusal(query.language, reason)
        return Answer(text, (text,), False, best.confidence, reason, query.text, (), passages, "extractive", {})
    text, pieces, citations = cite(statements, hits, documents, lambda id: copies_of(found, id))
    confidence = min(e.confidence for e in answered)
    return Answer(text, pieces, True, confidence, None, query.text, citations, passages, "extractive", {})


def copies_of(found: Sequence[Found], id: str) -> dict[str, str]:
    """Return the texts of a document's reprints, by their ids."""
    return {other: text for own in found if id in own.documents for other, text in own.copies(id).items()}
