"""The units that are considered as answers: those in which the reader thinks the answer most likely begins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag.answer.features import Matrix, features
from rag.answer.nearness import Embed
from rag.answer.rarity import Weight
from rag.answer.reader import PASSAGES, Reader, Text
from rag.answer.terms import headed
from rag.answer.units import Unit, units
from rag.text import fold, sentences
from rag.types import Document, Hit

CONSIDERED = 12  # units; all features of more take longer than reading them


@dataclass(frozen=True, slots=True)
class Tools:
    """What the answer stage looks at passages with."""

    reader: Reader
    weight: Weight
    embed: Embed


def consider(
    question: str,
    hits: Sequence[Hit],
    documents: Mapping[str, Document],
    tools: Tools,
    *,
    said: str = "",
    named: bool = True,
) -> tuple[list[Unit], Matrix]:
    """At most ``CONSIDERED`` units of the passages ``hits``, and one row of ``features`` for each.

    Units that stand in ``said`` are left out; for ``named`` see ``features``. The order is that of ``units``.
    """
    candidates = [unit for unit in units(hits, documents) if not said or fold(unit.text) not in fold(said)]
    odds = _odds(question, candidates, hits, documents, tools.reader)
    best = sorted(sorted(range(len(odds)), key=lambda i: -odds[i])[:CONSIDERED])
    candidates, odds = [candidates[i] for i in best], [odds[i] for i in best]
    return candidates, features(question, candidates, hits, documents, tools.weight, tools.embed, odds, named=named)


@lru_cache(maxsize=PASSAGES)
def _sentences(text: str) -> tuple[tuple[int, int], ...]:
    return tuple(sentences(text))


def _odds(
    question: str,
    candidates: Sequence[Unit],
    hits: Sequence[Hit],
    documents: Mapping[str, Document],
    reader: Reader,
) -> list[float]:
    """The log-odds of each unit, in the best-ranked passage that holds it."""
    texts = [Text(h.text, headed(documents[h.document_id]), _sentences(h.text), h.published) for h in hits]
    readings = reader.read(question, texts)
    return [readings[u.hit].odds(u.start - hits[u.hit].start, u.end - hits[u.hit].start) for u in candidates]
