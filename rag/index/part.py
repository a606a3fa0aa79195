"""A part of the index: some documents' chunks as rows, with what a search needs to know of them.

Rows of one document lie together, in the order of its chunks; documents lie by ascending key. A part is never
changed: what is deleted is masked by whoever holds it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rag.errors import Damaged
from rag.index import lexical
from rag.index.dense import DenseSegment
from rag.index.lexical import Mask, Segment
from rag.index.sketches import BANDS, Sketches
from rag.pages import pages_of
from rag.record.rows import Stored
from rag.reprints import WIDTH, sketch
from rag.types import Filter

_DTYPES: dict[str, type[np.generic]] = {
    "keys": np.int64,  # (documents,) ascending
    "firsts": np.int64,  # (documents + 1,) the rows of document i are firsts[i]:firsts[i + 1]
    "hashes": np.uint64,  # (documents,) of ids
    "starts": np.int32,  # (rows,)
    "ends": np.int32,  # (rows,)
}
_SKETCHES: dict[str, type[np.generic]] = {"sketches": np.uint8, "bands": np.uint32, "holders": np.int32}  # flat
_STRINGS = ("fields", "published", "sources", "ids", "contexts")  # documents' first, then rows'


@dataclass(frozen=True, slots=True)
class Source:
    """What is told of a document that something was found in; ``key`` is that of its version in the record."""

    key: int
    id: str
    title: str
    source: str | None
    url: str | None
    published: str | None
    pages: Sequence[int] = ()  # where each begins, if it has any


class Strings:
    """Many strings in two arrays: UTF-8 bytes, and where each begins. They may be memory-mapped."""

    def __init__(self, data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> None:
        """``data`` uint8 (bytes,), ``offsets`` int64 (n + 1,)."""
        self.data = data
        self.offsets = offsets

    @classmethod
    def build(cls, strings: Iterable[str]) -> "Strings":
        """Packs the strings, in order."""
        encoded = [s.encode() for s in strings]
        offsets = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum([len(e) for e in encoded], out=offsets[1:])
        return cls(np.frombuffer(b"".join(encoded), np.uint8), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, number: int) -> str:
        return self.data[self.offsets[number] : self.offsets[number + 1]].tobytes().decode()

    def all(self) -> list[str]:
        """All of them; the quick way for many."""
        data, offsets = self.data.tobytes(), self.offsets.tolist()
        return [data[a:b].decode() for a, b in pairwise(offsets)]


class Part:
    """See the module. ``lexical`` and ``dense`` have one row a chunk, as have ``starts`` and ``ends``."""

    def __init__(
        self,
        lexical: Segment,
        dense: DenseSegment,
        sketches: Sketches,
        arrays: Mapping[str, NDArray[np.generic]],
        strings: Mapping[str, Strings],
    ) -> None:
        """Use ``build``, ``merge`` or ``from_arrays``."""
        self.lexical = lexical
        self.dense = dense
        self.sketches = sketches  # one a document
        self.keys: NDArray[np.int64] = arrays["keys"]  # type: ignore[assignment]
        self.firsts: NDArray[np.int64] = arrays["firsts"]  # type: ignore[assignment]
        self.hashes: NDArray[np.uint64] = arrays["hashes"]  # type: ignore[assignment]
        self.starts: NDArray[np.int32] = arrays["starts"]  # type: ignore[assignment]
        self.ends: NDArray[np.int32] = arrays["ends"]  # type: ignore[assignment]
        self.strings = strings
        self._facets: tuple[NDArray[np.str_], NDArray[np.str_]] | None = None

    @classmethod
    def build(
        cls,
        stored: Sequence[Stored],
        segments: Sequence[Segment],
        dimension: int,
        sketches: NDArray[np.uint8] | None = None,
    ) -> "Part":
        """Makes a part of documents by ascending key; ``segments`` hold the terms of their chunks, one after another.

        ``sketches``, uint8 (documents, WIDTH), are those of their texts; computed where they are not given.
        """
        counts = [len(s.chunks) for s in stored]
        vectors = [s.vectors for s in stored if s.chunks]
        rows = [c for s in stored for c in s.chunks]
        documents = [s.document for s in stored]
        arrays: dict[str, NDArray[np.generic]] = {
            "keys": np.array([s.key for s in stored], np.int64),
            "firsts": np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64),
            "hashes": _hashes(d.id for d in documents),
            "starts": np.array([c.start for c in rows], np.int32),
            "ends": np.array([c.end for c in rows], np.int32),
        }
        strings = {
            "fields": Strings.build(
                json.dumps([d.id, d.title, d.source, d.url, d.published, pages_of(d.metadata)], ensure_ascii=False)
                for d in documents
            ),
            "published": Strings.build(d.published or "" for d in documents),
            "sources": Strings.build(d.source or "" for d in documents),
            "ids": Strings.build(c.id for c in rows),
            "contexts": Strings.build(c.context for c in rows),
        }
        dense = DenseSegment.build(np.concatenate(vectors) if vectors else np.empty((0, dimension), np.float32))
        if sketches is None:
            sketches = sketch([d.text for d in documents])
        return cls(lexical.merge(segments), dense, Sketches.build(sketches), arrays, strings)

    @classmethod
    def empty(cls, dimension: int) -> "Part":
        """A part without documents."""
        return cls.build((), (), dimension)

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.starts)

    def document(self, row: int) -> int:
        """The number, within this part, of the document that a row belongs to."""
        return int(np.searchsorted(self.firsts, row, "right")) - 1

    def source(self, document: int) -> Source:
        """What is known of a document of this part, by its number."""
        return Source(int(self.keys[document]), *json.loads(self.strings["fields"][document]))

    def without(self, mask: Mask, removed: NDArray[np.int64]) -> Mask:
        """The mask with the rows of removed versions off; ``mask`` itself where this part has none of them."""
        if not len(self.keys) or not len(removed):
            return mask
        places = np.searchsorted(self.keys, removed)
        places = places[places < len(self.keys)]
        hits = places[np.isin(self.keys[places], removed)]
        if not len(hits):
            return mask
        mask = np.ones(len(self), np.bool_) if mask is None else mask.copy()
        for hit in hits:
            mask[self.firsts[hit] : self.firsts[hit + 1]] = False
        return mask

    def kept(self, mask: Mask) -> NDArray[np.bool_]:
        """Which documents have live rows, bool (documents,)."""
        if mask is None:
            return np.diff(self.firsts) > 0
        left = np.concatenate([[0], np.cumsum(mask)])
        return np.asarray(left[self.firsts[1:]] > left[self.firsts[:-1]])

    def passes(self, filter: Filter) -> NDArray[np.bool_]:
        """Which rows belong to documents that the filter lets through, bool (rows,)."""
        wanted = np.ones(len(self.keys), np.bool_)
        if filter.document_ids is not None:
            wanted &= np.isin(self.hashes, _hashes(filter.document_ids))
            for document in np.flatnonzero(wanted):  # two ids may share a hash
                wanted[document] = self.source(int(document)).id in filter.document_ids
        if filter.source is not None or filter.published_from is not None or filter.published_to is not None:
            if self._facets is None:  # made on the first such query, then kept
                days = np.array([p[:10] for p in self.strings["published"].all()], "U10")
                self._facets = np.array(self.strings["sources"].all(), np.str_), days
            sources, days = self._facets
            if filter.source is not None:
                wanted &= (sources == filter.source) & bool(filter.source)
            if filter.published_from is not None or filter.published_to is not None:
                wanted &= days != ""
            if filter.published_from is not None:
                wanted &= days >= filter.published_from
            if filter.published_to is not None:
                wanted &= days <= filter.published_to
        return np.repeat(wanted, np.diff(self.firsts))

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Everything but the dense segment, by name, to be stored; ``from_arrays`` takes it back."""
        out = {f"lexical.{name}": array for name, array in self.lexical.arrays().items()}
        flat = self.sketches.rows.ravel(), self.sketches.bands, self.sketches.holders
        out |= dict(zip(_SKETCHES, flat, strict=True))
        out |= {name: getattr(self, name) for name in _DTYPES}
        for name, strings in self.strings.items():
            out |= {f"{name}.data": strings.data, f"{name}.offsets": strings.offsets}
        return out

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]], dense: DenseSegment) -> "Part":
        """Makes a part of stored arrays, which may be memory-mapped; nothing is copied.

        Raises:
            Damaged: an array is missing or does not fit the others.
        """
        dtypes: dict[str, type[np.generic]] = _DTYPES | _SKETCHES
        dtypes |= {f"{name}.data": np.uint8 for name in _STRINGS} | {f"{name}.offsets": np.int64 for name in _STRINGS}
        for name, dtype in dtypes.items():
            if name not in arrays or arrays[name].dtype != dtype or arrays[name].ndim != 1:
                raise Damaged(f"The index's array {name!r} is missing or of another type: run `rag build`.")
        segment = Segment.from_arrays({n[8:]: a for n, a in arrays.items() if n.startswith("lexical.")})
        strings = {n: Strings(arrays[f"{n}.data"], arrays[f"{n}.offsets"]) for n in _STRINGS}  # type: ignore[arg-type]
        flat, bands, holders = (arrays[name] for name in _SKETCHES)
        if len(flat) != len(arrays["keys"]) * WIDTH or not len(bands) == len(holders) == len(arrays["keys"]) * BANDS:
            raise Damaged("The index's sketches do not fit its documents: run `rag build`.")
        sketches = Sketches(flat.reshape(-1, WIDTH), bands, holders)  # type: ignore[arg-type]
        part = cls(segment, dense, sketches, arrays, strings)
        sizes = {len(part.firsts) - 1, len(part.hashes), *(len(strings[n]) for n in _STRINGS[:3])}
        rows = {
            len(segment),
            len(dense),
            len(part.ends),
            int(part.firsts[-1]),
            *(len(strings[n]) for n in _STRINGS[3:]),
        }
        if sizes != {len(part.keys)} or rows != {len(part)}:
            raise Damaged("The index's arrays do not fit each other: run `rag build`.")
        return part


def merge(parts: Sequence[Part], masks: Sequence[Mask]) -> Part:
    """One part of the live rows of several, in order; documents without live rows are left out."""
    live = [np.ones(len(p), np.bool_) if m is None else m for p, m in zip(parts, masks, strict=True)]
    kept = [p.kept(m) for p, m in zip(parts, masks, strict=True)]
    counts = [np.diff(p.firsts)[k] for p, k in zip(parts, kept, strict=True)]
    arrays: dict[str, NDArray[np.generic]] = {
        "keys": np.concatenate([p.keys[k] for p, k in zip(parts, kept, strict=True)]),
        "firsts": np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64),
        "hashes": np.concatenate([p.hashes[k] for p, k in zip(parts, kept, strict=True)]),
        "starts": np.concatenate([p.starts[m] for p, m in zip(parts, live, strict=True)]),
        "ends": np.concatenate([p.ends[m] for p, m in zip(parts, live, strict=True)]),
    }
    strings = {}
    for name in _STRINGS:
        chosen = kept if name in _STRINGS[:3] else live
        strings[name] = Strings.build(
            s
            for p, c in zip(parts, chosen, strict=True)
            for s, take in zip(p.strings[name].all(), c.tolist(), strict=True)
            if take
        )
    vectors = np.concatenate([p.dense.vectors[m] for p, m in zip(parts, live, strict=True)])
    segment, sketches = (
        lexical.merge([p.lexical for p in parts], masks),
        Sketches.merge([p.sketches for p in parts], kept),
    )
    return Part(segment, DenseSegment.build(vectors), sketches, arrays, strings)


def tidy(parts: list[Part], masks: list[Mask], first: int) -> None:
    """Merges the last parts, from ``first`` on, as long as the one before is not over twice as long.

    So their number grows with the logarithm of the rows, and a row is copied as many times.
    """
    while len(parts) - first >= 2 and len(parts[-2]) <= 2 * len(parts[-1]):
        parts[-2:] = [merge(parts[-2:], masks[-2:])]
        masks[-2:] = [None]


def _hashes(ids: Iterable[str]) -> NDArray[np.uint64]:
    digests = b"".join(blake2b(i.encode("utf-8", "surrogatepass"), digest_size=8).digest() for i in ids)
    return np.frombuffer(digests, "<u8").astype(np.uint64)
