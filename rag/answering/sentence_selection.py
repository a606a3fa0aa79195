"""What is said of a document: the sentences that hold the reader's span, with what they need to be understood.

A sentence of more than ``LONGEST`` characters is cut to the clauses around the span. A heading, a question or the head
of a table is no answer: what follows it is. A sentence that announces a list is said with the list.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.answering.citations import QUOTE_LIMIT, Excerpt, Statement
from rag.ingest import lines as kind
from rag.text import BREAKS, clauses, fold, sentences
from rag.types import Document

LONGEST = 100  # characters of a sentence that is said whole
LISTED = 12  # lines of a list that are said
_ROOM = 160  # characters, with the sentence before
_POINTS_BACK = re.compile(
    r"(?:但|而|后来?|随后|此后|之后|因此|同时|其中)?[,，]?"
    r"(?:[他她它]|其(?![他它实中余次间])|该|此|这|同[年月日]|当[年时月])"
)
_LINE = re.compile(f"[^{BREAKS}]+")
_RULE = re.compile(r"\|?[\s:|+-]*-[\s:|+-]*")  # the line under the head of a Markdown table
_QUESTION = re.compile(r"[?？]$")
_LABELLED_QUESTION = re.compile(r"^(?:q|问|提问)\s{0,2}\d{0,3}\s{0,2}[:：.、]", re.IGNORECASE)
_ENDS_OPEN = ":："
_SOFT_ENDS = ",，、；;:： \u3000\t"

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Passage:
    document: Document
    pieces: list[Span]  # its sentences

    def read(self, number: int) -> str:
        return self.document.text[slice(*self.pieces[number])]


def select_statements(
    document: Document, passage: Span, span: Span, hit: int, confidence: float, *, whole: bool = False
) -> list[Statement]:
    """Select what is said where ``document.text[span]`` is the answer, in the passage of the same text.

    Args:
        hit: number of the passage among those found.
        whole: whether a long sentence is said whole, as far as a quote reaches: a list was asked for.

    Returns:
        Statements in the order in which they are said; none where nothing but a heading or a question is there.
    """
    text = document.text
    of = _Passage(document, sentences(text, *passage))
    touched = [i for i, (a, b) in enumerate(of.pieces) if a < span[1] and span[0] < b]
    if not touched:
        return []
    first, last = touched[0], touched[-1]
    while first < len(of.pieces) and _says_nothing(of, first):
        first += 1
    if first == len(of.pieces):
        return []
    if first > last:  # the span was a heading's or a question's
        last, span = first, of.pieces[first]
    listed = _find_list_end(of, last)
    if listed == last and first and _POINTS_BACK.match(fold(of.read(first))) and _is_joined(of, first):
        first -= 1
    excerpts = [_make_excerpt(of, number, span, hit, whole or listed > last) for number in range(first, listed + 1)]
    return _group_excerpts(excerpts, confidence)


def _says_nothing(of: _Passage, number: int) -> bool:
    """Say whether a sentence is a heading, the document's title, a question or the rule under a table's head."""
    line = of.read(number).strip()
    if line == of.document.title or _RULE.fullmatch(line):
        return True
    if _QUESTION.search(line) or _LABELLED_QUESTION.match(line):
        return number + 1 < len(of.pieces)
    return _is_heading(of.document.text, *of.pieces[number])


def _is_heading(text: str, start: int, end: int) -> bool:
    """Say whether a short line without a stop stands directly above a paragraph."""
    line = text[start:end]
    if line.startswith("#") and start + len(line) == _end_of_line(text, start):
        return True
    if end - start > 30 or not kind.is_heading(line[:16]) or kind.is_terminated(line):
        return False
    if (start and text[start - 1] not in BREAKS) or kind.is_bulleted(line):
        return False
    below = _LINE.search(text, end)
    while below and not below[0].strip():
        below = _LINE.search(text, below.end())
    return below is not None and below.start() > end and (len(below[0]) > 30 or _is_heading(text, *below.span()))


def _end_of_line(text: str, start: int) -> int:
    line = _LINE.match(text, start)
    return line.end() if line else start


def _find_list_end(of: _Passage, last: int) -> int:
    """Return the number of the last line of the list that sentence ``last`` announces, or ``last`` itself."""
    said = of.read(last)
    table = said.startswith("|") and last + 1 < len(of.pieces) and _RULE.fullmatch(of.read(last + 1).strip())
    if not table and not said.rstrip("*_ ").endswith(tuple(_ENDS_OPEN)):
        return last
    end, begin = last, of.pieces[last][0]
    for number in range(last + 1, min(len(of.pieces), last + 1 + LISTED)):
        line = of.read(number)
        item = kind.is_bulleted(line) or line.startswith("|")
        items_before = end > last and (kind.is_bulleted(of.read(end)) or of.read(end).startswith("|"))
        full = of.pieces[number][1] - begin > QUOTE_LIMIT
        if full or (items_before and not item) or (end > last + 2 and not item):
            break
        end = number
    return end


def _is_joined(of: _Passage, number: int) -> bool:
    """Say whether the sentence before stands in the same paragraph, says something and leaves room."""
    (before, stop), (start, end) = of.pieces[number - 1], of.pieces[number]
    between = of.document.text[stop:start]
    return not set(between) & set(BREAKS) and end - before <= _ROOM and not _says_nothing(of, number - 1)


def _make_excerpt(of: _Passage, number: int, span: Span, hit: int, whole: bool) -> Excerpt:
    sentence = start, end = of.pieces[number]
    text = of.document.text
    limit = QUOTE_LIMIT if whole else LONGEST
    if end - start > limit and start < span[1] and span[0] < end:
        start, end = _cut_to_clauses(text, sentence, span)
    elif end - start > QUOTE_LIMIT:
        start, end = _cut_to_clauses(text, sentence, (start, start + 1))
    return Excerpt(of.document.id, start, end, text[start:end], sentence, hit)


def _cut_to_clauses(text: str, sentence: Span, span: Span) -> Span:
    """Cut a sentence to the clauses that hold the span, and those around it while they are short enough together."""
    parts = clauses(text, *sentence)
    held = [i for i, (a, b) in enumerate(parts) if a < span[1] and span[0] < b]
    first, last = held[0], held[-1]
    while True:
        before = parts[last][1] - parts[first - 1][0] if first else LONGEST + 1
        after = parts[last + 1][1] - parts[first][0] if last + 1 < len(parts) else LONGEST + 1
        if before <= LONGEST:  # what it is said of mostly stands before
            first -= 1
        elif after <= LONGEST:
            last += 1
        else:
            break
    start, end = parts[first][0], parts[last][1]
    if end - start > QUOTE_LIMIT:  # one clause without a comma
        start = max(start, min(span[0] - LONGEST // 2, end - QUOTE_LIMIT))
        end = min(end, start + QUOTE_LIMIT)
    return _trim(text, (start, end), ends=end < sentence[1])


def _trim(text: str, span: Span, *, ends: bool) -> Span:
    """Take white space off, and where a sentence is cut at the end, the comma or colon that it would break off at."""
    start, end = span
    while start < end - 1 and text[start].isspace():
        start += 1
    while end - 1 > start and (text[end - 1].isspace() or (ends and text[end - 1] in _SOFT_ENDS)):
        end -= 1
    return start, end


def _group_excerpts(excerpts: Sequence[Excerpt], confidence: float) -> list[Statement]:
    """Put neighbours together that one quote can hold."""
    groups: list[list[Excerpt]] = []
    for excerpt in excerpts:
        if groups and excerpt.sentence[1] - groups[-1][0].sentence[0] <= QUOTE_LIMIT:
            groups[-1].append(excerpt)
        else:
            groups.append([excerpt])
    return [Statement(tuple(group), confidence) for group in groups]
