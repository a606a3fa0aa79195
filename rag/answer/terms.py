"""Words, pairs of characters and numbers of a text, as questions and passages are compared by them."""

import re
from functools import lru_cache
from typing import NamedTuple

import rjieba

from rag.analyze import query_terms
from rag.answer import signs
from rag.answer.dates import relative_years
from rag.grammar import full_names, names_itself
from rag.text import fold
from rag.types import Document

_RUN = re.compile(r"[一-鿿]+")
_LATIN = re.compile(r"[a-z0-9][a-z0-9.+%\-]*")


class Terms(NamedTuple):
    """What a folded text holds; Latin words and figures stand whole in all sets but ``numbers``."""

    folded: str
    said: str  # and the years that it names by its date, the provinces that it names in short
    words: frozenset[str]  # of two characters at least
    pairs: frozenset[str]  # of characters side by side
    characters: frozenset[str]
    numbers: frozenset[str]  # figures and years


@lru_cache(maxsize=8192)
def terms(text: str, published: str | None = None, title: str = "") -> Terms:
    """The terms of a text in a document of this date and title; of a question or a title without them."""
    folded, itself = fold(text), fold(title)
    years = frozenset(year for _, year in relative_years(folded, published))
    names = full_names(folded)
    if names_itself(folded, itself):
        names += [word for word in rjieba.cut(itself) if _RUN.fullmatch(word)] + _RUN.findall(itself)
    runs = [*_RUN.findall(folded), *names]
    latin = years.union(_LATIN.findall(folded))
    words = frozenset(w for w in rjieba.cut(folded) if len(w) > 1 and _RUN.match(w)).union(latin, names)
    pairs = frozenset(run[i : i + 2] for run in runs for i in range(len(run) - 1))
    numbers = years.union(signs.FIGURE.findall(folded))
    said = "\n".join((folded, *sorted(years), *sorted(names)))
    return Terms(folded, said, words, pairs | latin, frozenset("".join(runs)) | latin, numbers)


def question_terms(question: str) -> Terms:
    """The question's terms, without question words and stop words where others are left."""
    whole, kept = terms(question), frozenset(query_terms(question))
    words, pairs, characters = (part & kept or part for part in (whole.words, whole.pairs, whole.characters))
    return whole._replace(words=words, pairs=pairs, characters=characters)


def headed(document: Document) -> str:
    """Title and year of publication: a report of 2024 speaks of 2024 where it names no year."""
    return f"{document.title}\n{document.published[:4]}年" if document.published else document.title
