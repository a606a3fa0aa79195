"""Tokens to sentences, each with the marks that stand under it, as soon as what follows shows that it has ended."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.text import sentences
from rag.verify.tokens import Mark, Token

_ENDS = frozenset("。｡！？!?….．")
_CLOSERS = frozenset('”’」』】》〉）)]〕｝}"')
_PAIRS = (("《", "》"), ("〈", "〉"), ("（", "）"), ("(", ")"))
_GAP = re.compile(r"(?<!\s)\s+(?=[。，、；：！？])")  # where an address stood
_TWICE = re.compile(r"([。，、；])(?:\s*[。，、；])+")  # where a mark stood between
_UNIT = 100  # characters of a bracketed part that holds no end of a sentence: ``rag.text.sentences``
_LONGEST = 2000  # characters of a line without an end; no sentence is so long


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence without its marks; ``numbers`` are those of its marks, or where it has none of the next sentence's
    in the same line. ``line`` counts lines that say something."""

    text: str
    numbers: tuple[int, ...]
    line: int


class Splitter:
    """``feed`` tokens and take the sentences that are complete; ``finish`` gives the rest."""

    def __init__(self) -> None:
        self._line = ""
        self._marks: list[tuple[int, tuple[int, ...]]] = []
        self._waiting: list[str] = []
        self._count = 0

    def feed(self, tokens: Sequence[Token]) -> list[Said]:
        """The sentences that these tokens show to have ended."""
        said: list[Said] = []
        for token in tokens:
            if isinstance(token, Mark):
                self._marks.append((len(self._line.rstrip()), token.numbers))
                continue
            for char in token:
                if char == "\n":
                    said += self.finish()
                    continue
                self._line += char
                if not char.isspace() and self._ended():
                    said += self._take(len(self._line) - 1)
        return said

    def finish(self) -> list[Said]:
        """The sentences of the line that is left."""
        said = self._take(len(self._line))
        said += [Said(text, (), self._count) for text in self._waiting]
        if self._line.strip():
            self._count += 1
        self._line, self._marks, self._waiting = "", [], []
        return said

    def _ended(self) -> bool:
        """Whether the last character begins a new sentence."""
        start = len(self._line) - 1
        before = self._line[:start].rstrip()
        if self._line[start] in _ENDS or self._line[start] in _CLOSERS:
            return False
        bare = before.rstrip("".join(_CLOSERS))
        if not bare or bare[-1] not in _ENDS:
            return start >= _LONGEST
        if any(self._unclosed(*pair) for pair in _PAIRS):
            return False
        spans = sentences(self._line)
        return len(spans) > 1 and spans[-1][0] == start

    def _unclosed(self, opener: str, closer: str) -> bool:
        at = self._line.rfind(opener)
        return at > self._line.rfind(closer) and len(self._line) - at <= _UNIT

    def _take(self, end: int) -> list[Said]:
        """The sentences before ``end``, and drop them from the line."""
        said: list[Said] = []
        spans = sentences(self._line, 0, end)
        for i, (start, stop) in enumerate(spans):
            after = spans[i + 1][0] if i + 1 < len(spans) else end
            numbers = dict.fromkeys(n for at, some in self._marks if start < at <= max(stop, after - 1) for n in some)
            text = _TWICE.sub(r"\1", _GAP.sub("", self._line[start:stop]))
            if numbers:
                said += [Said(other, tuple(numbers), self._count) for other in (*self._waiting, text)]
                self._waiting = []
            else:
                self._waiting.append(text)
        self._marks = [(at - end, some) for at, some in self._marks if at > end]
        self._line = self._line[end:]
        return said
