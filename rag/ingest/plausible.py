"""How likely a reading of bytes is as Chinese: the characters of a wrong encoding come out as rare ones.

``characters.txt`` has, one line a class, the negative natural logarithm of a character's frequency and the characters
of that class: counted over laws, abstracts and encyclopedia articles, simplified and converted to traditional; the last
line is what written Cantonese has of its own, and the round zero of dates.
"""

import functools
import re
import unicodedata
from collections import Counter
from pathlib import Path

_ASCII = re.compile(r"[\x00-\x7f]+")
_EVERYDAY = re.compile(r"[\xa0-\u017f\u0386-\u03ce\u0400-\u045f\u0490\u0491\u05d0-\u05ea\u0600-\u065f]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]+")
_UNUSUAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_SAMPLE = 50_000  # characters from all over a text that are looked at
_ASCII_COST, _KNOWN, _RARE, _OTHER = 4.0, 14.0, 17.0, 15.0  # nats of what is not in the table
_NEVER = frozenset({"Cn", "Co", "Cs", "Cc"})  # unassigned, private, surrogates, controls


def plausibility(text: str) -> tuple[float, float] | None:
    """Return the natural logarithm of the text's likelihood, and its mean over the characters that are not ASCII.

    None where the text cannot be one: it has no such characters, or some that are unassigned or private.
    Linear in the length of the text.
    """
    foreign = _ASCII.sub("", text)
    if not foreign:
        return None
    sample = foreign[:: len(foreign) // _SAMPLE + 1]
    counts = Counter(sample)
    if any(unicodedata.category(char) in _NEVER and char != "\x85" for char in counts):
        return None
    mean = -sum(_cost(char) * count for char, count in counts.items()) / len(sample)
    controls = len(text) - len(_CONTROLS.sub("", text))
    ascii = len(text) - len(foreign) - controls
    return mean * len(foreign) - _ASCII_COST * ascii - _OTHER * controls, mean


def is_latin(text: str) -> bool:
    """Whether the letters that are not ASCII stand alone among ASCII ones, as in French: Chinese has them in pairs."""
    runs = re.findall(r"[^\x00-\x7f]+", text)
    return sum(map(len, runs)) <= 1.2 * len(runs)


def is_odd(text: str) -> bool:
    """Whether a text that is valid UTF-8 may be so by chance: a few words in GBK can come out as a handful of letters
    below U+0800, among them some that no everyday alphabet has, and a few in UTF-16 as ASCII with controls."""
    foreign = _ASCII.sub("", text[:100_000])
    if not foreign:
        return len(text) <= 40 and _UNUSUAL.search(text) is not None
    return 0 < len(foreign) <= 12 and max(foreign) < "\u0800" and _EVERYDAY.sub("", foreign) != ""


@functools.cache
def _table() -> dict[str, float]:
    lines = Path(__file__).with_name("characters.txt").read_text(encoding="utf-8").split("\n")
    classes = (line.split(" ", 1) for line in lines if line)
    return {char: float(cost) for cost, characters in classes for char in characters}


@functools.lru_cache(maxsize=20_000)
def _cost(char: str) -> float:
    known = _table().get(char)
    if known is not None:
        return known
    if not "\u3400" <= char <= "\U0003ffff" or "\uac00" <= char <= "\ud7a3":
        return _OTHER
    for encoding in ("gb2312", "big5"):
        try:
            char.encode(encoding)
        except UnicodeEncodeError:
            continue
        return _KNOWN
    return _RARE
