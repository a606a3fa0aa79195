"""Reprints: whether two texts are one article, and whether a text holds a passage of another.

Texts are compared as letters: folded, without white space, punctuation and addresses of pages. What they are made of
is every run of ``SHINGLE`` letters and, ``WEIGHT`` times, every number with the letters before it; similarity is the
share of it that both have (Jaccard). Two texts that give other numbers behind the same letters are never one article,
however alike: reports that are filled into a form differ in nothing else.

A sketch is small and of a fixed size, and the share of its bytes that two have in common estimates their similarity:
MinHash (Broder 1997, «On the resemblance and containment of documents»), of which the lowest byte of each minimum is
kept (Li and König 2010, «b-Bit Minwise Hashing»). It is the same on every machine.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

from rag.text import fold

SAME = 0.6  # similarity from which two texts are one article: docs/reprints.md
HELD = 0.9  # share of a passage that a text must have to hold it
SHORT = 50  # letters; shorter texts and passages must be equal
SHINGLE, WEIGHT, CONTEXT = 5, 6, 6
WIDTH = 72  # bytes of a sketch
SKETCH = f"rminhash-{RMinHash.ALGORITHM_VERSION}-{WIDTH}/letters-1"  # sketches of another name cannot be compared
_SEED = 7
_KEPT = 20_000  # characters of a text that is remembered once it was read

_MIX = np.uint64(0x9E3779B97F4A7C15)
_ADDRESS = re.compile(r"(?:https?://|www\.)[!-~]+")
_SPACE = re.compile(r"(?<!\d)\s+|\s+(?!\d)")  # between digits it parts two numbers
_MARKS = re.compile(r"[\W_]+")
_ZEROS = re.compile(r"(?<![\d.])0+(?=\d)")
_HAN = "零〇一二两三四五六七八九十"
_NUMBER = re.compile(
    rf"(?=[-−+±\d{_HAN}])"  # where none of these stands nothing is tried, which is most of the time
    r"(?:(?P<date>(?:(?:\d{4}年)?\d{1,2}月)?\d{1,2}[日号]|(?:\d{4}年)?\d{1,2}月|\d{4}年)"
    r"|(?P<amount>(?:(?<![0-9a-z])[-−+±])?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:[.:]\d+)*)"
    rf"|(?P<han>[{_HAN}][{_HAN}百千万亿]*))"
)
_ONE_FORM = str.maketrans({",": None, "号": "日", "−": "-"})
_LAST = re.compile(r"(?<!\d)\d+\D$")
_NUMERAL = frozenset(f"{_HAN}百千万亿.0123456789")

Hashes = NDArray[np.uint64]
Sketches = NDArray[np.uint8]


@dataclass(frozen=True)
class _Reading:
    letters: str  # numbers stand in it as in ``numbers``
    plain: str  # of a short text: folded, without white space, but never empty
    numbers: Mapping[tuple[str, str], set[str]]  # by the letters before them and their kind

    @cached_property
    def hashes(self) -> Hashes:
        return _digests([self.plain]) if self.plain else _hashes(self.letters, self.numbers)


def similarity(a: str, b: str) -> float:
    """How much of two texts is the same, 0 to 1; 0 where their numbers differ, and for short ones unless equal."""
    if a == b:
        return 1.0
    x, y = _read(a), _read(b)
    if x.plain or y.plain:
        return float(x.plain == y.plain)
    if any(_unmatched(x, y, key) and _unmatched(y, x, key) for key in x.numbers.keys() & y.numbers.keys()):
        return 0.0
    shared = _shared(x, y)
    return shared / (len(x.hashes) + len(y.hashes) - shared)


def holds(text: str, passage: str) -> bool:
    """Whether ``text`` has the passage: word for word but for what folding drops, or, a long one, most of it.

    Every number of it that the text gives behind the same letters must be the same.
    """
    if not passage or _within(passage, text):
        return bool(passage)
    x, y = _read(text), _read(passage)
    if not y.letters:
        return False
    if _within(y.letters, x.letters):
        return True
    if y.plain or any(_unmatched(y, x, key) for key in x.numbers.keys() & y.numbers.keys()):
        return False
    return _shared(x, y) >= HELD * len(y.hashes)


def sketch(texts: Sequence[str]) -> Sketches:
    """The sketches of texts, uint8 (len(texts), ``WIDTH``)."""
    if not texts:
        return np.empty((0, WIDTH), np.uint8)
    hashes = [_read(text).hashes for text in texts]
    ends = np.cumsum([0, *(len(h) for h in hashes)], dtype=np.uint64)
    minima = RMinHash.digest_matrix_from_flat_token_hashes(np.concatenate(hashes), ends, WIDTH, _SEED).to_rows()
    return (np.array(minima, np.uint32) & 0xFF).astype(np.uint8)


def features(text: str) -> Hashes:
    """What similarity counts, hashed: uint64 (n,), ascending, each once."""
    return _read(text).hashes


def _read(text: str) -> _Reading:
    return _remembered(text) if len(text) <= _KEPT else _reading(text)


def _reading(text: str) -> _Reading:
    plain = _SPACE.sub("", _ADDRESS.sub(" ", fold(text)))
    pieces: list[str] = []
    numbers: dict[tuple[str, str], set[str]] = {}
    context, at = "", 0
    for match in _NUMBER.finditer(plain):
        between = _MARKS.sub("", plain[at : match.start()])
        context, at = (context + between)[-CONTEXT:], match.end()
        value = _ZEROS.sub("", match[0].translate(_ONE_FORM))
        value = value.rstrip("0").rstrip(".") if "." in value else value
        pieces += (between, value)
        numbers.setdefault((context, str(match.lastgroup)), set()).add(value)
        context += "#"
    letters = "".join((*pieces, _MARKS.sub("", plain[at:])))
    return _Reading(letters, plain or " " if len(letters) < SHORT else "", numbers)


_remembered = lru_cache(maxsize=128)(_reading)


def _hashes(letters: str, numbers: Mapping[tuple[str, str], set[str]]) -> Hashes:
    codes = np.frombuffer(letters.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    runs = np.zeros(len(codes) - SHINGLE + 1, np.uint64)
    for i in range(SHINGLE):
        runs = _mixed(runs ^ codes[i : i + len(runs)])
    # Of a date its last part: an editor writes 5日 where another writes 8月5日.
    told = [f"{c}\0{kind}\0{_last(v) if kind == 'date' else v}" for (c, kind), vs in numbers.items() for v in vs]
    times = _digests(told)[:, None] + np.arange(WEIGHT, dtype=np.uint64) * _MIX
    return np.unique(np.concatenate([runs, _mixed(times.ravel())]))


def _mixed(hashes: Hashes) -> Hashes:
    hashes = hashes * _MIX
    return hashes ^ (hashes >> np.uint64(29))


def _digests(strings: Sequence[str]) -> Hashes:
    digests = b"".join(blake2b(s.encode("utf-8", "surrogatepass"), digest_size=8).digest() for s in strings)
    return np.frombuffer(digests, "<u8").astype(np.uint64)


def _last(date: str) -> str:
    match = _LAST.search(date)
    return match[0] if match else date


def _shared(x: _Reading, y: _Reading) -> int:
    return len(np.intersect1d(x.hashes, y.hashes, assume_unique=True))


def _unmatched(x: _Reading, y: _Reading, key: tuple[str, str]) -> bool:
    """Whether ``x`` gives a number there that ``y`` does not; 8月, 5日 and 2026年8月5日 agree with 8月5日."""
    mine, others = x.numbers[key], y.numbers[key]
    if mine <= others:
        return False
    if key[1] != "date":
        return True
    return not all(any(_agree(a, b) for b in others) for a in mine)


def _agree(a: str, b: str) -> bool:
    return a.endswith(b) or b.endswith(a) or a.startswith(b) or b.startswith(a)


def _within(part: str, whole: str) -> bool:
    """Whether ``part`` stands in ``whole`` and cuts no number of it in two."""
    at = whole.find(part)
    while at >= 0:
        end = at + len(part)
        left = at and whole[at - 1] in _NUMERAL and part[0] in _NUMERAL
        right = end < len(whole) and whole[end] in _NUMERAL and part[-1] in _NUMERAL
        if not left and not right:
            return True
        at = whole.find(part, at + 1)
    return False
