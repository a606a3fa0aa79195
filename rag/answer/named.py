"""Which names of a question a text lacks: a fact on another thing, place or body is no answer."""

from functools import lru_cache

from rag.answer.rarity import Weight

_BETWEEN = str.maketrans("", "", "、·・•‧ ")  # what stands within a name in one text and not in another: 苏、蒙


def lacking(names: frozenset[str], texts: str, weight: Weight) -> tuple[float, float]:
    """The weight of the rarest name that ``texts`` do not hold, and the share of all names' weight that they lack.

    Half a name is enough: the tagger that finds names in the question adds to them at times.
    """
    total = sum(map(weight, names))
    if not total:
        return 0.0, 0.0
    closed = _closed(texts)
    missing = [weight(name) for name in names if _held(name, closed) < 0.5]
    return max(missing, default=0.0), sum(missing) / total


@lru_cache(maxsize=1024)
def _closed(text: str) -> str:
    return text.translate(_BETWEEN)


def _held(name: str, text: str) -> float:
    pairs = [name[i : i + 2] for i in range(len(name) - 1)]
    return sum(pair in text for pair in pairs) / len(pairs)
