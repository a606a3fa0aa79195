"""Which windows of the passages found are read, and in which order: reading all would take too long.

The windows that hold most of the question's words come first, rare words counting more; a passage that search ranked
higher has an advantage.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag.analyze import query_terms, query_words
from rag.answering.windows import Window, cut_windows
from rag.relative_years import relative_years
from rag.term_rarity import rarity
from rag.text import fold
from rag.types import Document, Hit

RANK_ADVANTAGE = 0.25  # of the passage that search ranked first, beside a window with all of the question's words
ON_TOPIC = 0.5  # share of the question's words, by weight, that a passage on its topic holds
_YEAR = re.compile(r"(?<!\d)[12]\d{3}(?!\d)")
_LEAST_RARITY = 0.05  # of a word, so that a question of common words alone can be weighed


@dataclass(frozen=True, slots=True)
class Candidate:
    """A window that may be read: ``text`` is ``[start, end)`` of its document, in the passage numbered ``hit``.

    ``share`` is the share of the question's terms, by rarity, that stand in it or in its document's title, or that are
    years which it names by its document's date (去年): 0..1.
    """

    hit: int
    document_id: str
    start: int
    end: int
    title: str
    text: str
    share: float


def rank_windows(question: str, hits: Sequence[Hit], documents: Mapping[str, Document]) -> list[Candidate]:
    """Return the windows of the passages ``hits``, those first that most likely hold the answer; none twice."""
    weights = {term: max(rarity(term), _LEAST_RARITY) for term in query_terms(question)}
    ranked: list[tuple[float, int, Candidate]] = []
    seen: set[tuple[str, int, int]] = set()
    for rank, hit in enumerate(hits):
        document = documents[hit.document_id]
        dated = write_title(document.title, document.published)
        title = fold(dated)
        for window in _cut_passage(hit.text):
            start, end = hit.start + window.start, hit.start + window.end
            if (document.id, start, end) in seen:
                continue
            seen.add((document.id, start, end))
            text = hit.text[window.start : window.end]
            folded = fold(text)
            years = "\n".join(f"{year}年" for _, year in relative_years(folded, document.published))
            share = _measure_share(weights, f"{title}\n{years}\n{folded}")
            candidate = Candidate(rank, document.id, start, end, dated, text, share)
            ranked.append((share + RANK_ADVANTAGE / (1 + rank), -len(ranked), candidate))
    return [candidate for _, _, candidate in sorted(ranked, key=lambda each: each[:2], reverse=True)]


def is_on_topic(question: str, hits: Sequence[Hit], documents: Mapping[str, Document]) -> bool:
    """Say whether one of the passages, with its title and date, holds most of the question's words by rarity."""
    weights = {word: max(rarity(word), _LEAST_RARITY) for word in query_words(question) if len(word) > 1}
    if not weights:
        return False
    for hit in hits:
        document = documents[hit.document_id]
        held = fold(f"{document.title}\n{document.published or ''}\n{hit.text}")
        if _measure_share(weights, held) >= ON_TOPIC:
            return True
    return False


def write_title(title: str, published: str | None) -> str:
    """Return the title as the reader sees it: with the year of publication, where it names none itself."""
    year = (published or "")[:4]
    return f"{title}（{year}年）" if year.isdigit() and title and not _YEAR.search(title) else title


def _measure_share(weights: Mapping[str, float], folded: str) -> float:
    whole = sum(weights.values())
    return sum(weight for term, weight in weights.items() if term in folded) / whole if whole else 0.0


@lru_cache(maxsize=8192)
def _cut_passage(text: str) -> tuple[Window, ...]:
    return tuple(cut_windows(text))
