"""What one query searches: parts of the index as they were at one sequence number of the record."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from rag.index import lexical
from rag.index.lexical import Mask
from rag.index.part import Part, Source
from rag.index.sketches import Sketches
from rag.library import Library
from rag.reprints import WIDTH
from rag.types import Filter


class Stale(Exception):
    """A document was replaced or removed while the query ran: take a new snapshot and search again."""


@dataclass(frozen=True, slots=True)
class Row:
    """One chunk that is searched: where it stands and in what."""

    number: int
    chunk_id: str
    start: int
    end: int
    context: str
    document: Source


class Snapshot:
    """An unchanging view of the index. Rows are numbered from 0 to ``rows``, dead ones among them.

    A row's number means something within one snapshot only. Safe to use from many threads.
    """

    def __init__(
        self, library: Library, sequence: int, parts: Sequence[Part], masks: Sequence[Mask], generation: str
    ) -> None:
        """``masks[i]`` says which rows of ``parts[i]`` are live, None for all."""
        self.sequence = sequence
        self.parts = tuple(parts)
        self.masks = tuple(masks)
        self.generation = generation  # name of the one it stands on, "" where there is none
        self._library = library
        self._bases = np.concatenate([[0], np.cumsum([len(p) for p in self.parts], dtype=np.int64)]).tolist()
        self.rows = int(self._bases[-1])

    @cached_property
    def live(self) -> NDArray[np.bool_]:
        """Which rows are there still, bool (rows,)."""
        masks = [np.ones(len(p), np.bool_) if m is None else m for p, m in zip(self.parts, self.masks, strict=True)]
        return np.concatenate(masks) if masks else np.empty(0, np.bool_)

    @cached_property
    def chunks(self) -> int:
        """The number of live rows."""
        return int(np.count_nonzero(self.live))

    @cached_property
    def documents(self) -> int:
        """The number of documents that have live rows."""
        return sum(int(np.count_nonzero(p.kept(m))) for p, m in zip(self.parts, self.masks, strict=True))

    def without(self, removed: Sequence[int]) -> list[Mask]:
        """The masks of the parts where the versions of documents with these keys, ascending, are dead too."""
        keys = np.array(removed, np.int64)
        return [part.without(mask, keys) for part, mask in zip(self.parts, self.masks, strict=True)]

    def sample(self, newest: int, spread: int) -> list[Source]:
        """Live documents, none twice: of the ``newest`` written last and of ``spread`` from all others, in turn."""
        kept = [np.flatnonzero(p.kept(m)) for p, m in zip(self.parts, self.masks, strict=True)]
        keys = np.concatenate([np.empty(0, np.int64), *(p.keys[k] for p, k in zip(self.parts, kept, strict=True))])
        bases = np.cumsum([0, *map(len, kept)])
        order = np.argsort(-keys)
        last, others = order[:newest], order[newest:]
        even = np.linspace(0, len(others) - 1, min(spread, len(others))).astype(np.intp)
        found = []
        for number in (n for turn in zip_longest(last.tolist(), others[even].tolist()) for n in turn if n is not None):
            place = int(np.searchsorted(bases, number, "right")) - 1
            found.append(self.parts[place].source(int(kept[place][number - bases[place]])))
        return found

    def lexical(self, terms: Sequence[str], *, k1: float = lexical.K1, b: float = lexical.B) -> NDArray[np.float32]:
        """The BM25 score of every row, float32 (rows,); dead rows get 0."""
        segments = [p.lexical for p in self.parts]
        found = lexical.scores(segments, terms, masks=self.masks, k1=k1, b=b)
        return np.concatenate(found) if found else np.empty(0, np.float32)

    def idf(self, terms: Sequence[str]) -> NDArray[np.float64]:
        """The weight of each term over the live rows, float64 (len(terms),)."""
        return lexical.idf([p.lexical for p in self.parts], terms, masks=self.masks)

    def dense(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """The inner product of the query, float32 (dimension,), with every row, dead ones too: float32 (rows,)."""
        found = [p.dense.scores(query) for p in self.parts]
        return np.concatenate(found) if found else np.empty(0, np.float32)

    def allowed(self, filter: Filter | None = None) -> NDArray[np.bool_]:
        """Which rows are live and pass the filter, bool (rows,); not to be written to."""
        if filter is None or filter == Filter():
            return self.live
        passed = [p.passes(filter) for p in self.parts]
        return self.live & np.concatenate(passed) if passed else self.live

    def row(self, number: int) -> Row:
        """What stands in a row."""
        part, local = self._place(number)
        return Row(
            number=number,
            chunk_id=part.strings["ids"][local],
            start=int(part.starts[local]),
            end=int(part.ends[local]),
            context=part.strings["contexts"][local],
            document=part.source(part.document(local)),
        )

    def siblings(self, number: int) -> range:
        """All rows of the document that a row belongs to, in the order of the text."""
        part, local = self._place(number)
        document = part.document(local)
        base = number - local
        return range(base + int(part.firsts[document]), base + int(part.firsts[document + 1]))

    def sketches(self, numbers: Sequence[int]) -> NDArray[np.uint8]:
        """The sketches of the documents that rows belong to, uint8 (len(numbers), WIDTH)."""
        rows = np.array(numbers, np.int64)
        found = np.empty((len(rows), WIDTH), np.uint8)
        places = np.searchsorted(self._bases, rows, "right") - 1
        for place in set(places.tolist()):
            part, here = self.parts[place], places == place
            documents = np.searchsorted(part.firsts, rows[here] - self._bases[place], "right") - 1
            found[here] = part.sketches.rows[documents]
        return found

    def near(self, sketches: NDArray[np.uint8], allowed: NDArray[np.bool_], most: int = 32) -> list[list[Source]]:
        """For each sketch, uint8 (m, WIDTH), the documents likely to be reprints of its own, the likeliest first.

        Those with rows in ``allowed``, bool (rows,), and at most ``most``. The document itself is among them.
        """
        found: list[list[tuple[float, int, Part, int]]] = [[] for _ in sketches]
        for part, base in zip(self.parts, self._bases, strict=False):
            which, documents, alike = part.sketches.near(sketches)
            there = allowed[base + part.firsts[documents]]
            for w, d, a in zip(which[there].tolist(), documents[there].tolist(), alike[there].tolist(), strict=True):
                found[w].append((-a, int(part.keys[d]), part, d))
        best = [sorted(some, key=lambda f: f[:2])[:most] for some in found]
        return [[part.source(document) for _, _, part, document in some] for some in best]

    def pairs(self) -> tuple[Callable[[int], Source], Iterator[tuple[int, int, int, int]]]:
        """All pairs of live documents that are likely to be reprints: two numbers and two ``Source.key``, each once.

        The function gives the document of a number.
        """
        kept = [p.kept(m) for p, m in zip(self.parts, self.masks, strict=True)]
        places = [(p, int(d)) for p, k in zip(self.parts, kept, strict=True) for d in np.flatnonzero(k)]
        keys = [int(part.keys[document]) for part, document in places]
        likely = Sketches.merge([p.sketches for p in self.parts], kept).pairs() if places else ()
        once = {(a, b) for some, others in likely for a, b in zip(some.tolist(), others.tolist(), strict=True)}
        return lambda number: Part.source(*places[number]), ((a, b, keys[a], keys[b]) for a, b in sorted(once))

    def texts(self, keys: Iterable[int]) -> dict[int, str]:
        """The texts of versions of documents, by ``Source.key``.

        Raises:
            Stale: one of them was replaced or removed since.
            Damaged: a text is not what was stored.
        """
        wanted = set(keys)
        found = self.left(wanted)
        if len(found) < len(wanted):
            raise Stale(f"versions {sorted(wanted - set(found))} are gone from the record")
        return found

    def left(self, keys: Iterable[int]) -> dict[int, str]:
        """``texts`` of those versions that were not replaced or removed since."""
        return self._library.texts(keys)

    def _place(self, number: int) -> tuple[Part, int]:
        if not 0 <= number < self.rows:
            raise IndexError(f"row {number} of {self.rows}")
        place = bisect_right(self._bases, number) - 1
        return self.parts[place], number - self._bases[place]
