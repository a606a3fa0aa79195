"""Answering without a language model: the sentences that answer, word for word, or the statement that none does."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rag.answer.cite import QUOTE_LIMIT, Statement
from rag.answer.consider import Tools, consider
from rag.answer.fields import CONFIDENCE, about_document
from rag.answer.scorer import Scorer
from rag.answer.topic import on_topic
from rag.answer.units import LONGEST, Unit, sentence_numbers, units
from rag.ingest.lines import is_bulleted
from rag.question import Single
from rag.text import BREAKS, fold
from rag.types import Document, Hit, Reason

MORE = 0.1  # a further unit is said where it is at least this likely beside the best one
MOST = 3  # units in one answer
POINTS_BACK = re.compile(
    r"(?:但|而|后来?|随后|此后|之后|因此|同时|其中)?[,，]?"
    r"(?:[他她它]|其(?![他它实中余次间])|该|此|这|同[年月日]|当[年时月])"
)


@dataclass(frozen=True, slots=True)
class Extract:
    """What was found for one question: ``statements`` may be empty."""

    statements: tuple[Statement, ...]
    confidence: float
    reason: Reason | None


def extract(
    question: Single,
    hits: Sequence[Hit],
    documents: Mapping[str, Document],
    scorer: Scorer,
    tools: Tools,
    *,
    threshold: float,
    said: str = "",
) -> Extract:
    """The best one to three units of the passages ``hits``, if their confidence reaches ``threshold``.

    ``said`` is text that must not be said again. ``reason`` tells a topic that the corpus lacks from a fact that its
    passages on the topic do not state.
    """
    lines = about_document(question.text, hits, documents)
    if lines is not None:
        chosen = lines[:MOST]
        confidence = CONFIDENCE if chosen else 1 - CONFIDENCE
        if confidence < threshold or not chosen:
            return Extract((), confidence, "no_answer")
        return Extract(tuple(_statements(chosen, documents, confidence)), confidence, None)
    candidates, matrix = consider(
        question.words, hits, documents, tools, said=said, named=question.words == question.text
    )
    if not candidates:
        return Extract((), 0.0, "no_topic")
    logits = scorer.logits(matrix)
    confidence = scorer.confidence(logits, matrix, sentence_numbers(candidates))
    if confidence < threshold:
        near = on_topic(question.words, hits, documents, tools.weight)
        return Extract((), confidence, "no_answer" if near else "no_topic")
    chosen = with_list(choose(candidates, logits), hits, documents)
    if question.kind == "list":
        chosen = whole(chosen, documents)
    chosen = understood(chosen, hits, documents)
    return Extract(tuple(_statements(chosen, documents, confidence)), confidence, None)


def choose(candidates: Sequence[Unit], logits: NDArray[np.float32]) -> list[Unit]:
    """The best unit, and others nearly as likely while the answer stays short."""
    order = np.lexsort((np.arange(len(logits)), -logits))
    best = candidates[order[0]]
    chosen, length = [best], len(best.text)
    for i in order[1:]:
        unit = candidates[i]
        if len(chosen) == MOST or logits[i] < logits[order[0]] + np.log(MORE):
            break
        if length + len(unit.text) > LONGEST or any(_overlap(unit, other) for other in chosen):
            continue
        chosen.append(unit)
        length += len(unit.text)
    return chosen


def with_list(chosen: Sequence[Unit], hits: Sequence[Hit], documents: Mapping[str, Document]) -> list[Unit]:
    """Where the best unit announces a list (it ends in a colon), the lines below it, as far as a quote reaches."""
    best = chosen[0]
    if not best.text.endswith((":", "：")):
        return list(chosen)
    text, listed = documents[best.document_id].text, [best]
    for unit in sorted((u for u in units(hits, documents) if u.document_id == best.document_id), key=lambda u: u.start):
        if unit.start < listed[-1].end:
            continue
        items = len(listed) > 1 and is_bulleted(listed[-1].text)
        full = unit.end - best.start > QUOTE_LIMIT or (not items and len(listed) > MOST)
        if full or text[listed[-1].end : unit.start].strip() or (items and not is_bulleted(unit.text)):
            break
        listed.append(unit)
    return listed if len(listed) > 1 else list(chosen)


def whole(chosen: Sequence[Unit], documents: Mapping[str, Document]) -> list[Unit]:
    """The sentence of the best unit in place of its part, as far as a quote reaches: a list comes whole."""
    best = chosen[0]
    start, end = best.sentence
    if (best.start, best.end) == best.sentence or end - start > QUOTE_LIMIT:
        return list(chosen)
    text = documents[best.document_id].text
    return [replace(best, start=start, end=end, text=text[start:end], before="", after="")]


def understood(chosen: Sequence[Unit], hits: Sequence[Hit], documents: Mapping[str, Document]) -> list[Unit]:
    """With the sentence before the best one, where that one points back to it (他, 该, 同年) and there is room.

    It has to stand in the same paragraph and in the passages ``hits``: nothing is cited that was not found.
    """
    best = chosen[0]
    if best.start != best.sentence[0] or not POINTS_BACK.match(fold(best.text)):
        return list(chosen)
    text = documents[best.document_id].text
    room = LONGEST - sum(len(unit.text) for unit in chosen)
    for unit in units(hits, documents):
        between = text[unit.end : best.start] if unit.document_id == best.document_id else "-"
        beside = unit.end <= best.start and not between.strip() and not set(between) & set(BREAKS)
        if beside and (unit.start, unit.end) == unit.sentence and len(unit.text) <= room:
            return list(chosen) if any(_overlap(unit, other) for other in chosen) else [best, unit, *chosen[1:]]
    return list(chosen)


def _overlap(a: Unit, b: Unit) -> bool:
    if a.document_id == b.document_id:
        return a.start < b.end and b.start < a.end
    return fold(a.text) == fold(b.text)


def _statements(chosen: Sequence[Unit], documents: Mapping[str, Document], confidence: float) -> list[Statement]:
    """Units side by side in their document, in its order, become one statement; the best one's comes first."""
    groups: list[list[Unit]] = []
    rank = {unit: i for i, unit in enumerate(chosen)}
    for unit in sorted(chosen, key=lambda u: (u.document_id, u.start)):
        last = groups[-1][-1] if groups else None
        if last and last.document_id == unit.document_id:
            between = documents[unit.document_id].text[last.end : unit.start]
            if not between.strip() and unit.sentence[1] - groups[-1][0].sentence[0] <= QUOTE_LIMIT:
                groups[-1].append(unit)
                continue
        groups.append([unit])
    groups.sort(key=lambda group: min(rank[unit] for unit in group))
    return [Statement(tuple(group), confidence) for group in groups]
