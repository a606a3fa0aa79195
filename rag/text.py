"""The one canonical view of a text: folding for matching, sentence spans, clause spans.

Every offset is an index into the given ``str`` (a Unicode code point); spans are half-open.
"""

import functools
import re
import unicodedata
from collections.abc import Callable

BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"  # what ``str.splitlines`` takes for the end of a line

_HAN = ((0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
_CLOSERS = frozenset("”’」』】》〉）)]〕｝}")
_JOINERS = frozenset("，、；：,;:")  # before one of these nothing has ended yet
_LINE = re.compile(f"[^{BREAKS}]+")
_WORD = re.compile(r"\w")
_NOTE_MARKS = re.compile(r"(?:\[\d{1,3}\])+")  # footnote marks belong to the sentence they follow
_ABBREVIATION = re.compile(
    r"(?:(?:^|[\s.(（])[A-Za-z]|\b(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|No|Fig|Vol|Inc|Ltd|Co|Corp|al|cf|approx))$"
)
_LIST_NUMBER = re.compile(r"[(（]?(?:\d{1,3}|[A-Za-z])$")
# A short bracketed part is one unit: no sentence ends inside it. Titles are often whole questions.
_EVENT = re.compile(
    rf"《[^《》{BREAKS}]{{0,100}}》|〈[^〈〉{BREAKS}]{{0,100}}〉"
    rf"|（[^（）{BREAKS}]{{0,60}}）|\([^(){BREAKS}]{{0,60}}\)"
    r'|(?P<quote>")|(?P<end>[。｡！？!?…]+|[.．]+)'
)
_OPENERS = dict(zip("》〉”’」』）)】]", "《〈“‘「『（(【[", strict=True))  # what closes -> what opens
_CUTS = frozenset(",，;；:：")
_UNIT = 80  # a bracketed or quoted part longer than this may be cut inside


def _simplify() -> Callable[[str], str]:
    import opencc

    return opencc.OpenCC("t2s").convert


def _width(char: str) -> str:
    return unicodedata.normalize("NFKC", char)


class _FoldTable(dict[int, int]):
    """For ``str.translate``: each code point is looked up once, when it is first met."""

    _convert: Callable[[str], str] | None = None

    def __missing__(self, code: int) -> int:
        char = chr(code)
        for form in (_width, str.lower, _width, str.lower):  # lower case may have a width form of its own
            char = form(char) if len(form(char)) == 1 else char
        self[code] = ord(self._simplify_character(char))
        return self[code]

    def _simplify_character(self, char: str) -> str:
        if not any(low <= ord(char) <= high for low, high in _HAN):
            return char
        if self._convert is None:
            self._convert = _simplify()
        simple = self._convert(char)
        return simple if len(simple) == 1 else char


@functools.cache
def _fold_table() -> _FoldTable:
    return _FoldTable()


def fold(text: str) -> str:
    """Return ``text`` for matching: width (NFKC), lower case and Traditional to Simplified, code point by code point.

    One code point becomes exactly one, so ``len(fold(text)) == len(text)`` and offsets carry over unchanged; whatever
    has no single-character form stays as it is. Phrases are not considered (OpenCC "t2s", characters only).
    """
    return text.translate(_fold_table())


class _SimplifyTable(_FoldTable):
    """As ``_FoldTable``, for the form of Chinese characters alone."""

    def __missing__(self, code: int) -> int:
        self[code] = ord(self._simplify_character(chr(code)))
        return self[code]


@functools.cache
def _simplify_table() -> _SimplifyTable:
    return _SimplifyTable()


def simplify(text: str) -> str:
    """Return ``text`` with Traditional characters made Simplified, one code point for one; all else stays as it is."""
    return text.translate(_simplify_table())


def sentences(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Return the sentences of ``text[start:end]`` as spans of ``text``: trimmed, in order, not overlapping.

    A sentence ends after 。！？!?… (closing quotes, brackets and footnote marks stay with it), after a full stop before
    white space, and at every line break; never inside a short 《title》 or (bracket). Together the spans cover every
    character that is not white space. Linear in the length of the text.
    """
    stop = len(text) if end is None else min(end, len(text))
    spans: list[tuple[int, int]] = []
    for line in _LINE.finditer(text, start, stop):
        _of_line(text, line.start(), line.end(), spans)
    return spans


def _of_line(text: str, start: int, end: int, spans: list[tuple[int, int]]) -> None:
    begin = pos = seen = start  # ``seen``: no word character lies in [begin, seen)
    worded = quoted = False
    first = len(spans)
    while match := _EVENT.search(text, pos, end):
        pos = match.end()
        if match["quote"]:
            quoted = not quoted
        if match["end"] is None:
            continue
        tail = pos
        while pos < end and (text[pos] in _CLOSERS or text[pos] in "。｡！？!?…" or (text[pos] == '"' and quoted)):
            quoted = quoted and text[pos] != '"'
            pos += 1
        if not worded:
            worded = _WORD.search(text, seen, match.start()) is not None
            seen = pos
        if worded and _ends(text, begin, match, tail, pos, end):
            marks = _NOTE_MARKS.match(text, pos, end)
            pos = marks.end() if marks else pos
            _trimmed(text, begin, pos, spans)
            begin = seen = pos
            worded = False
    if worded or _WORD.search(text, seen, end) or len(spans) == first:
        _trimmed(text, begin, end, spans)
    else:  # marks without a word belong to the sentence before them
        _trimmed(text, spans.pop()[0], end, spans)


def _ends(text: str, begin: int, match: re.Match[str], tail: int, pos: int, end: int) -> bool:
    after = text[pos] if pos < end else ""
    if after in _JOINERS:
        return False
    if pos > tail and after == "的" and not text.startswith("的确", pos):  # “…！”的: the quote is an attribute
        return False
    mark = match["end"]
    if mark[-1] in "!?" and pos == tail:
        return not (after.isascii() and (after.isalnum() or after in "=/&_-[")) or after == ""
    if mark[0] in ".．":
        if len(mark) >= 3:
            return not (after.isascii() and after.isalnum()) or after == ""
        if after and not after.isspace():
            return False
        before = text[max(begin, match.start() - 12) : match.start()]
        if _ABBREVIATION.search(before) and after:
            return False
        return not (_LIST_NUMBER.fullmatch(text[begin : match.start()].strip()) and after)
    return True


def _trimmed(text: str, start: int, end: int, spans: list[tuple[int, int]]) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        spans.append((start, end))


def clauses(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the parts of the sentence ``text[start:end]``, cut after ,，;；:： and adjoining: they cover the span.

    Nothing is cut inside a short quotation, title or bracket, nor between digits (1,000 or 12:30).
    """
    closes = _units(text, start, end)
    spans: list[tuple[int, int]] = []
    begin = pos = start
    while pos < end:
        if pos in closes:
            pos = closes[pos]
        elif text[pos] in _CUTS and not (
            pos > start and pos + 1 < end and text[pos - 1].isdigit() and text[pos + 1].isdigit() and text[pos] in ",:"
        ):
            spans.append((begin, pos + 1))
            begin = pos + 1
        pos += 1
    if begin < end:
        spans.append((begin, end))
    return spans


def _units(text: str, start: int, end: int) -> dict[int, int]:
    """Positions of the brackets and quotes that open a short closed part -> position of what closes it."""
    closes: dict[int, int] = {}
    opened: list[int] = []
    waiting = dict.fromkeys(_OPENERS.values(), 0)
    straight = -1
    for pos in range(start, end):
        char = text[pos]
        if char in waiting:
            opened.append(pos)
            waiting[char] += 1
        elif char in _OPENERS and waiting[_OPENERS[char]]:
            while True:  # what was opened later and never closed is dropped
                opener = opened.pop()
                waiting[text[opener]] -= 1
                if text[opener] == _OPENERS[char]:
                    break
            if pos - opener <= _UNIT:
                closes[opener] = pos
        elif char == '"':
            if straight >= 0 and pos - straight <= _UNIT:
                closes[straight] = pos
                straight = -1
            else:
                straight = pos
    return closes
