"""Questions that a passage nearly answers: asked of another thing, another place or another year than it speaks of."""

import random
import re
from collections.abc import Sequence
from functools import lru_cache

import rjieba

from rag.answer.rarity import common
from rag.text import fold
from rag.types import Document

YEAR = re.compile(r"(?<!\d)[12]\d{3}(?=年)")
_CONTENT = ("n", "v", "a")  # tags of words that carry a question's meaning, by their first letter
_ASKS = re.compile(r"什么|哪[一-鿿]{0,2}|多少|为何|如何|怎[么样]|谁")
_ATTRIBUTE = re.compile(r"的[^的,，。]{3,16}$")
_TRIES = 20


def swapped(question: str, document: Document, others: Sequence[Document], rng: random.Random) -> str | None:
    """The question asked of a thing, place or year that ``document``, which answers it, does not name.

    Names come from ``others``. None where nothing in the question can be exchanged.
    """
    ways = [_other_year, _other_place, _other_title]
    rng.shuffle(ways)
    return next((text for way in ways if (text := way(question, document, others, rng))), None)


def crossed(question: str, title: str, other: Document, about: Sequence[Document]) -> str | None:
    """The question on ``title`` asked of another document's subject, where no text ``about`` that holds a word of it.

    The topic is there, the fact is not stated.
    """
    if len(title) < 2 or title not in question or len(other.title) < 2 or title in other.title:
        return None
    words = content(question.replace(title, "，"))
    if not words or any(word in d.text for word in words for d in about):
        return None
    return question.replace(title, other.title)


def attributed(question: str, other: Document, about: Sequence[Document]) -> str | None:
    """What a question asks of its subject (…的作者是谁) asked of another document's, of which no text speaks so.

    The subject is there, what is asked of it is not.
    """
    asked = _ATTRIBUTE.search(question)
    if not asked or not _ASKS.search(asked[0]) or len(other.title) < 2:
        return None
    words = content(asked[0])
    return None if not words or any(w in d.text for w in words for d in about) else other.title + asked[0]


def content(question: str) -> list[str]:
    """Words of two characters and more that carry its meaning."""
    return [w for w, tag in rjieba.tag(_ASKS.sub("，", question)) if len(w) > 1 and tag.startswith(_CONTENT)]


@lru_cache(maxsize=8192)
def places(text: str) -> tuple[str, ...]:
    """Names of places in a text, as the tagger sees them."""
    return tuple(w for w, tag in rjieba.tag(fold(text)) if tag == "ns" and len(w) > 1 and w in text and not common(w))


def _other_year(question: str, document: Document, others: Sequence[Document], rng: random.Random) -> str | None:
    year = YEAR.search(question)
    other = str(int(year[0]) + rng.choice([-7, -4, -3, -2, -1, 1, 2, 3, 5, 9])) if year else ""
    return question.replace(year[0], other) if year and other not in document.text else None


def _other_place(question: str, document: Document, others: Sequence[Document], rng: random.Random) -> str | None:
    asked = places(question)
    for other in rng.choices(others, k=_TRIES // 4) if asked else ():
        named = [name for name in places(other.text) if name not in document.text and name not in document.title]
        if named:
            return question.replace(rng.choice(asked), rng.choice(named))
    return None


def _other_title(question: str, document: Document, others: Sequence[Document], rng: random.Random) -> str | None:
    title = document.title
    if len(title) < 2 or title not in question:
        return None
    for other in rng.choices(others, k=_TRIES):
        if len(other.title) > 1 and other.title not in document.text and title not in other.title:
            return question.replace(title, other.title)
    return None
