"""Which documents of the whole index are reprints of each other."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from rag.index.snapshot import Snapshot
from rag.reprints import SAME, similarity

_TOGETHER = 512  # pairs whose texts are in memory at a time


@dataclass(frozen=True, slots=True)
class Copy:
    """One document of a group; ``similarity`` is that to the document of the group that is most like it."""

    id: str
    title: str
    source: str | None
    published: str | None
    similarity: float


def duplicates(snapshot: Snapshot) -> list[tuple[Copy, ...]]:
    """Groups of documents that hold one text, joined pair by pair; the earliest published comes first.

    Groups lie by the first document's id. Every pair that the sketches make likely is compared text by text; see
    ``rag.index.sketches`` for how many they miss. Raises Stale where a document was replaced meanwhile.
    """
    documents, pairs = snapshot.pairs()
    likeness: dict[int, float] = {}
    leaders: dict[int, int] = {}

    def leader(number: int) -> int:
        while (above := leaders.setdefault(number, number)) != number:
            leaders[number] = leaders[above]
            number = above
        return number

    for a, b, alike in _compared(snapshot, pairs):
        leaders[leader(a)] = leader(b)
        for number in (a, b):
            likeness[number] = max(likeness.get(number, 0.0), alike)
    groups: dict[int, list[Copy]] = {}
    for number, alike in likeness.items():
        d = documents(number)
        copy = Copy(d.id, d.title, d.source, d.published, round(alike, 4))
        groups.setdefault(leader(number), []).append(copy)
    ordered = [tuple(sorted(group, key=lambda c: (c.published or "~", c.id))) for group in groups.values()]
    return sorted(ordered, key=lambda group: group[0].id)


def _compared(snapshot: Snapshot, pairs: Iterator[tuple[int, int, int, int]]) -> Iterator[tuple[int, int, float]]:
    """The pairs of reprints: numbers and similarity."""
    while some := list(islice(pairs, _TOGETHER)):
        texts = snapshot.texts(key for pair in some for key in pair[2:])
        for a, b, first, second in some:
            if (alike := similarity(texts[first], texts[second])) >= SAME:
                yield a, b, alike
