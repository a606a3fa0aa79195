"""The lines of a document with the headings that each stands under."""

import re
from dataclasses import dataclass
from enum import IntEnum

from rag.ingest import lines as kind
from rag.text import BREAKS
from rag.types import Document

_LINE = re.compile(f"[^{BREAKS}]+")
_NUMBER = r"[一二三四五六七八九十百千零〇两\d]{1,7}"
_NUMBERED = [  # from the outermost to the innermost, as laws and reports count
    (7, re.compile(rf"^第{_NUMBER}(?:编|篇|部分)(?=\s|$|[：:、])")),
    (8, re.compile(rf"^第{_NUMBER}章")),
    (9, re.compile(rf"^第{_NUMBER}节")),
    (10, re.compile(r"^[一二三四五六七八九十]{1,3}\s*、")),
    (11, re.compile(r"^[(（][一二三四五六七八九十]{1,3}[)）]")),
]
_MARKS = frozenset("#第(（一二三四五六七八九十")  # what a numbered or marked heading begins with
_PLAIN = 12
_ARTICLE = 13
_ARTICLE_LABEL = re.compile(rf"^第{_NUMBER}条(?:之{_NUMBER})?(?=\s|$)")
_GROUP = 4  # so many short lines on end may be headings; more are a list or verse
_LISTED, _MEAN = 5_000, 12  # lines, and characters of one in the mean, from which on a document is a list
_PACK = 400  # characters of a list's lines that are taken as one
_HEADED = 200  # characters from the first of a group of headings to what it heads; beyond, they are lines like others


class Break(IntEnum):
    """How willingly a text is divided before a line or a sentence."""

    NEVER = 0
    SENTENCE = 1
    PARAGRAPH = 2
    SECTION = 3
    BLOCK = 4  # what precedes the article, the article, who made it


@dataclass(slots=True)
class Line:
    """A line that is not blank, trimmed: ``text[start:end]``."""

    start: int
    end: int
    rank: Break
    headings: tuple[str, ...]  # in force at this line; a heading is in force at its own line
    headed: int  # characters from the first heading directly above to this line; 0 where there is none
    packed: bool = False  # several lines of a list as one, which is not looked into


def outline(document: Document) -> list[Line]:
    """Return the lines of a document in order, with headings known by ``#``, by numbering, or by their shape.

    By its shape, a heading is a short line without punctuation at its end, directly above a paragraph.
    """
    if _is_list(document.text):
        return _pack_lines(document.text)
    spans = _spans(document.text)
    texts = [document.text[start:end] for start, end in spans]
    levels = _levels(texts, document.title)
    out: list[Line] = []
    stack: list[tuple[int, str]] = []
    group = -1  # offset of the first of the headings directly above
    for number, (start, end) in enumerate(spans):
        level = levels[number]
        label = _label(texts[number], level)
        if level is not None:
            joined = level == _PLAIN and number > 0 and levels[number - 1] == _PLAIN
            stack = [entry for entry in stack if entry[0] < level or (joined and entry[0] == level)]
            stack.append((level, label))
        heading = level is not None and level != _ARTICLE
        headed = start - group if group >= 0 else 0
        close = 0 < headed <= _HEADED
        rank = Break.NEVER if close else Break.SECTION if heading else Break.PARAGRAPH
        out.append(Line(start, end, rank, tuple(text for _, text in stack if text), headed if close else 0))
        group = (group if close else start) if heading else -1
    _mark_blocks(out, texts, levels)
    return out


def _is_list(text: str) -> bool:
    """Whether a text is thousands of very short lines: words, figures, verse without end, and no article."""
    lines = sum(map(text.count, BREAKS))
    return lines > _LISTED and lines * _MEAN > len(text)


def _pack_lines(text: str) -> list[Line]:
    """Return the lines of a list, neighbours joined up to 400 characters; a longer line stands by itself.

    Looking at each line for itself would cost seconds a megabyte, and find no headings that mean anything.
    """
    out: list[Line] = []
    position = 0
    while position < len(text):
        window = text[position : position + _PACK]
        cut = max(map(window.rfind, BREAKS)) + 1
        end = position + (cut or len(window))
        packed = cut > 0 or end == len(text)
        if not packed:
            following = _LINE.match(text, position)
            end = following.end() if following else end
        bare = text[position:end].strip()
        if bare:
            start = position + text[position:end].index(bare[0])
            out.append(Line(start, start + len(bare), Break.PARAGRAPH, (), 0, packed))
        position = end
    return out


def _spans(text: str) -> list[tuple[int, int]]:
    spans = []
    for match in _LINE.finditer(text):
        line = match[0]
        bare = line.strip()
        if bare:
            start = match.start() + len(line) - len(line.lstrip())
            spans.append((start, start + len(bare)))
    return spans


def _label(line: str, level: int | None) -> str:
    if level == 0:
        return ""  # the title is context of every chunk anyway
    if level is None:
        return line
    marked = _read_markdown_heading(line)
    article = _ARTICLE_LABEL.match(line)
    return marked[1] if marked else article[0] if article and level == _ARTICLE else line


def _read_markdown_heading(line: str) -> tuple[int, str] | None:
    """Return the level and the text of a ``#`` heading, closing marks taken off; None where ``line`` is none.

    No regular expression: one that trims at both ends takes quadratic time on a long run of spaces.
    """
    bare = line.lstrip("#")
    level = len(line) - len(bare)
    if not 1 <= level <= 6 or not bare[:1].isspace():
        return None
    return level, bare.strip().rstrip("#").rstrip()


def _levels(texts: list[str], title: str) -> list[int | None]:
    levels = [_marked_level(line) for line in texts]
    if texts and levels[0] is None and texts[0] == title:
        levels[0] = 0
    number = 0
    while number < len(texts):
        stop = number
        while stop < len(texts) and levels[stop] is None and _may_head(texts[stop]):
            stop += 1
        below = texts[stop] if stop < len(texts) else ""
        heads = levels[stop] not in (None, _ARTICLE) if below else False
        if 0 < stop - number <= _GROUP and (heads or _is_paragraph(below)):
            levels[number:stop] = [_PLAIN] * (stop - number)
        number = stop + 1
    return levels


def _marked_level(line: str) -> int | None:
    if line[0] not in _MARKS:
        return None
    if len(line) > 200:
        return _ARTICLE if _ARTICLE_LABEL.match(line) else None
    if marked := _read_markdown_heading(line):
        return marked[0]
    if len(line) <= 60 and not kind.is_terminated(line) and "。" not in line:
        for level, pattern in _NUMBERED:
            if pattern.match(line):
                return level
    return _ARTICLE if _ARTICLE_LABEL.match(line) else None


def _may_head(line: str) -> bool:
    return (
        len(line) <= 30
        and re.search(r"[^\W\d_]", line) is not None
        and not re.search(r"[。:：]", line)
        and not kind.is_terminated(line)
        and not kind.is_bulleted(line)
        and not kind.is_caption(line)
        and not kind.is_byline(line)
        and not kind.DATE.search(line)
    )


def _is_paragraph(line: str) -> bool:
    return len(line) > 30 and not kind.is_caption(line) and not kind.is_metadata(line) and not kind.is_byline(line)


def _mark_blocks(out: list[Line], texts: list[str], levels: list[int | None]) -> None:
    """Set BLOCK where the text goes over from what precedes the article to the article, and at its bylines."""
    begin = next((n for n, line in enumerate(texts) if kind.is_prose(line) and not kind.is_caption(line)), 0)
    while begin > 0 and out[begin].rank is Break.NEVER:
        begin -= 1
    if 0 < begin <= 12:
        out[begin].rank = Break.BLOCK
    before = False
    for number in range(max(begin, 1), len(texts)):
        signed = kind.is_byline(texts[number]) and levels[number] is None
        if signed:
            out[number].headings = ()
        if signed != before and out[number].rank is not Break.NEVER:
            out[number].rank = Break.BLOCK
        before = signed
