"""What a language model writes, read as it comes: plain text and citation marks; whatever could load or lead anywhere
is left out.

``[1]``, ``【1】``, ``[^1]``, ``[1,2]``, ``[1-3]`` and full-width digits are marks. Images go with their text, links and
reference links keep theirs, HTML, addresses and definitions of references go. What a token is depends on the
characters up to its end alone, never on the pieces that they arrive in.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

MARKS_AT_ONCE = 16
_BRACKETED = 300  # characters; an opened bracket that closes no earlier is a plain character
_TARGET = 2000
_RUN = 4000
_OPEN = {"[": "]", "【": "】", "〔": "〕", "［": "］"}
_NUMBERS = re.compile(r"\^?(?:来源|资料|文档|source |doc )?\d{1,3}(?:(?:,|、|;|，|；|-|–|~|\s|\^)+\d{1,3})*", re.I)
_NUMBER = re.compile(r"(\d{1,3})(?:\s*[-–~]\s*(\d{1,3}))?")
_ADDRESS = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}:(?://|\\\\)|^www\.|^(?:javascript|data|mailto|file|vbscript|tel|ftp):|^//"
    r"|^[\w.+-]+@[\w-]+\.[\w.-]+$"
    r"|^(?:[a-z0-9-]+\.)+(?:com|cn|net|org|io|co|gov|edu|info|biz|top|xyz|me|app|dev|ai|ru|site|online|link|cc"
    r"|tv|example|test)(?:[:/?#].*)?$",
    re.I,
)
_RUN_CHARACTER = re.compile(r"[!-~]")
_NO_RUN = frozenset('[]()<>"|`*_')
_TAG = re.compile(r"[A-Za-z/!?]")
_HEADS = re.compile(r"[ \t]*(?:#{1,6}[ \t]+|[-*+•][ \t]+|\d{1,2}[.)、][ \t]*(?=\D)|>[ \t]?)+")


@dataclass(frozen=True, slots=True)
class Mark:
    """Numbers of passages that are cited here."""

    numbers: tuple[int, ...]


Token = str | Mark


def numbers(text: str) -> tuple[int, ...] | None:
    """The numbers between the brackets of a mark, in order; None where it is none."""
    text = unicodedata.normalize("NFKC", text).strip()
    if not _NUMBERS.fullmatch(text):
        return None
    found: list[int] = []
    for first, last in _NUMBER.findall(text):
        found += range(int(first), int(last) + 1) if last and int(first) <= int(last) else [int(first)]
    return tuple(dict.fromkeys(found[:MARKS_AT_ONCE]))


class Tokens:
    """``feed`` what arrives and take the tokens that are complete; ``finish`` gives the rest."""

    def __init__(self) -> None:
        self._rest = ""
        self._begun = True  # whether a line begins here

    def feed(self, text: str) -> list[Token]:
        """The tokens that end in ``text`` or before."""
        self._rest += "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs"))
        return list(self._read(ended=False))

    def finish(self) -> list[Token]:
        """What is left, as it stands."""
        return list(self._read(ended=True))

    def _read(self, *, ended: bool) -> Iterator[Token]:
        at, text = 0, self._rest
        while at < len(text):
            step = self._line(text, at, ended) if self._begun else self._token(text, at, ended)
            if step is None:
                break
            token, at = step
            if token:
                self._begun = token == "\n"
                yield token
        self._rest = text[at:]

    def _line(self, text: str, at: int, ended: bool) -> tuple[Token, int] | None:
        """At the beginning of a line: bullets, numbers of a list and signs of a heading are left out."""
        if not ended and "\n" not in text[at:] and len(text) - at < 8:
            return None
        head = _HEADS.match(text, at)
        self._begun = False
        return "", head.end() if head else at

    def _token(self, text: str, at: int, ended: bool) -> tuple[Token, int] | None:
        char = text[at]
        image = char == "!" and (text.startswith("![", at) or (at + 1 == len(text) and not ended))
        if image and at + 1 == len(text):
            return None
        if image or char in _OPEN:
            return self._bracket(text, at + image, image, ended)
        if char == "<" or char == "＜":
            return self._tag(text, at, ended)
        if char in "`*_" or char == "~":
            return "", at + 1
        if _RUN_CHARACTER.match(char) and char not in _NO_RUN:
            return self._run(text, at, ended)
        return char, at + 1

    def _bracket(self, text: str, at: int, image: bool, ended: bool) -> tuple[Token, int] | None:
        close = self._close(text, at, _OPEN[text[at]], _BRACKETED)
        if close is None:
            whole = ended or len(text) - at > _BRACKETED or "\n" in text[at:]
            return ("", at + 1) if whole else None  # a bracket that is never closed says nothing
        inner = text[at + 1 : close]
        if close + 1 == len(text) and not ended:
            return None
        after = text[close + 1 : close + 2]
        found = numbers(inner)
        if after == "(":
            end = self._close(text, close + 1, ")", _TARGET)
            if end is None and not (ended or len(text) - close > _TARGET or "\n" in text[close:]):
                return None
            end = end if end is not None else self._line_end(text, close)
            return self._shown(inner, found, image), end + 1
        if after == "[" and found is None:
            end = self._close(text, close + 1, "]", _BRACKETED)
            if end is None and not (ended or len(text) - close > _BRACKETED or "\n" in text[close:]):
                return None
            if end is not None and numbers(text[close + 2 : end]) is None:
                return self._shown(inner, found, image), end + 1
        if after == ":" and found is None and text[at] == "[":  # [name]: address
            if "\n" not in text[close:] and not ended and len(text) - close < _TARGET:
                return None
            end = self._line_end(text, close)
            return "", end
        return self._shown(inner, found, image), close + 1

    @staticmethod
    def _shown(inner: str, found: tuple[int, ...] | None, image: bool) -> Token:
        if image:
            return ""
        if found is not None:
            return Mark(found)
        inside = Tokens()  # of what is linked the words stay
        inside._begun = False
        said = inside.feed(inner) + inside.finish()
        return "".join(token for token in said if isinstance(token, str))

    @staticmethod
    def _tag(text: str, at: int, ended: bool) -> tuple[Token, int] | None:
        if at + 1 == len(text) and not ended:
            return None
        if not _TAG.match(text, at + 1):
            return text[at], at + 1
        if text.startswith("<!--", at):
            close = text.find("-->", at)
            if close < 0 and not ended and len(text) - at < _TARGET:
                return None
            return "", close + 3 if close >= 0 else len(text)
        close = text.find(">", at, at + _TARGET)
        if close < 0:
            return ("", len(text)) if ended else (("", at + 1) if len(text) - at > _TARGET else None)
        return "", close + 1

    @staticmethod
    def _run(text: str, at: int, ended: bool) -> tuple[Token, int] | None:
        end = at
        while end < len(text) and _RUN_CHARACTER.match(text[end]) and (text[end] not in _NO_RUN or text[end] == "_"):
            end += 1
        if end == len(text) and not ended and end - at < _RUN:
            return None
        run = text[at:end]
        found = next(
            (i for i in range(len(run)) if _starts(run, i) and _ADDRESS.search(run[i:].rstrip(".,;:!?"))), None
        )
        if found is None:
            return run, end
        kept = run[found:].rstrip(".,;:!?")
        return run[:found] + run[found + len(kept) :] or " ", end

    @staticmethod
    def _close(text: str, at: int, closer: str, most: int) -> int | None:
        depth, opener = 0, text[at]
        for i in range(at, min(len(text), at + most + 1)):
            if text[i] == "\n":
                return None
            if text[i] == opener:
                depth += 1
            elif text[i] == closer:
                depth -= 1
                if not depth:
                    return i
        return None

    @staticmethod
    def _line_end(text: str, at: int) -> int:
        end = text.find("\n", at)
        return len(text) if end < 0 else end


def _starts(run: str, i: int) -> bool:
    return i == 0 or not (run[i - 1].isalnum() and run[i].isalnum()) or run[i:].lower().startswith(("http", "www."))
