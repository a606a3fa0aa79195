"""What an answer can be made of: the sentences of the passages found, long ones as windows of whole clauses.

Titles, headings, captions and bylines are no units: what they say is asked for otherwise (``rag.answer.fields``), and
next to a question they look more like an answer than they are.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.ingest import lines as kind
from rag.text import BREAKS, clauses, sentences
from rag.types import Document, Hit

_LINE = re.compile(f"[^{BREAKS}]+")
LONGEST = 120  # characters of one unit: what an answer has as a rule


@dataclass(frozen=True, slots=True)
class Unit:
    """A span of a document that can be said: ``document.text[start:end] == text``.

    ``sentence`` is the span of the whole sentence it lies in; ``before`` and ``after`` are the rest of that sentence,
    or where there is none the sentences beside it; ``hit`` is the number of the best passage that it was found in.
    """

    document_id: str
    start: int
    end: int
    text: str
    sentence: tuple[int, int]
    before: str
    after: str
    hit: int


def units(hits: Sequence[Hit], documents: Mapping[str, Document]) -> list[Unit]:
    """The units of the passages ``hits``, in the order of the passages' rank, then of the text; none twice."""
    ranges: dict[str, list[tuple[int, int, int]]] = {}
    for rank, hit in enumerate(hits):
        ranges.setdefault(hit.document_id, []).append((hit.start, hit.end, rank))
    made: list[Unit] = []
    for document_id, spans in ranges.items():
        text, title = documents[document_id].text, documents[document_id].title
        seen: set[tuple[int, int]] = set()
        for start, end, rank in spans:
            whole = [span for span in sentences(text, start, end) if text[slice(*span)] != title]
            for i, span in enumerate(whole):
                if span in seen or _is_heading(text, *span) or _is_signature(text, *span):
                    continue
                seen.add(span)
                above = text[slice(*whole[i - 1])] if i else ""
                below = text[slice(*whole[i + 1])] if i + 1 < len(whole) else ""
                for s, e in windows(text, *span):
                    before, after = text[span[0] : s] or above, text[e : span[1]] or below
                    made.append(Unit(document_id, s, e, text[s:e], span, before, after, rank))
    made.sort(key=lambda unit: (unit.hit, unit.document_id, unit.start, unit.end))
    return made


def _is_signature(text: str, start: int, end: int) -> bool:
    """Whether the line that the sentence stands in says who made something."""
    begin = max((text.rfind(mark, 0, start) for mark in BREAKS), default=-1) + 1
    line = _LINE.match(text, begin)
    return (
        line is not None
        and len(line[0]) <= 120
        and (kind.is_caption(line[0].strip()) or kind.is_byline(line[0].strip()))
    )


def _is_heading(text: str, start: int, end: int) -> bool:
    """Whether a short line without a stop stands directly above a paragraph."""
    line = text[start:end]
    if end - start > 30 or not kind.is_heading(line[:16]) or kind.is_terminated(line):
        return False
    if (start and text[start - 1] not in BREAKS) or kind.is_bulleted(line):
        return False
    below = _LINE.search(text, end)
    while below and not below[0].strip():
        below = _LINE.search(text, below.end())
    return below is not None and below.start() > end and (len(below[0]) > 30 or _is_heading(text, *below.span()))


def sentence_numbers(candidates: Sequence[Unit]) -> NDArray[np.int32]:
    """Which sentence each unit is of, numbered from 0: int32 ``(len(candidates),)``."""
    numbers: dict[tuple[str, tuple[int, int]], int] = {}
    found = [numbers.setdefault((unit.document_id, unit.sentence), len(numbers)) for unit in candidates]
    return np.array(found, dtype=np.int32)


def windows(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The span itself where it is short enough, else every longest run of its clauses that is."""
    if end - start <= LONGEST:
        return [(start, end)]
    parts = clauses(text, start, end)
    found: list[tuple[int, int]] = []
    for i, (begin, stop) in enumerate(parts):
        j = i
        while j + 1 < len(parts) and parts[j + 1][1] - begin <= LONGEST:
            j += 1
        stop = min(parts[j][1], begin + LONGEST)
        if not found or stop > found[-1][1]:
            found.append((begin, stop))
    return [(s, s + len(text[s:e].rstrip())) for s, e in found]
