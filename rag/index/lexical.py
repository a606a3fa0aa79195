"""The lexical index: BM25 over immutable segments of NumPy arrays.

A segment is written once. Adding a document makes a new, small segment; deleting one masks its row; `merge` makes one
segment of several and drops what is masked. Document frequencies, the number of rows and their mean length are summed
over all segments at query time, so that a row scores the same wherever it lies.

The score of a row d for a query q is

    sum over t in q of  idf(t) * tf * (k1 + 1) / (tf + k1 * (1 - b + b * len(d) / avgdl))
    idf(t) = log(1 + (N - df + 0.5) / (df + 0.5))

(Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009; the idf is the one of Lucene, never negative).
Terms are known by a 64-bit hash of their UTF-8 form: two of a million terms share one with a probability of 3e-8.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain, count

import numpy as np
from numpy.typing import NDArray

from rag.errors import Damaged

K1 = 0.5
B = 0.5
"""Measured on CMRC 2018 train questions over the project's own chunks: docs/lexical-engine.md."""

Mask = NDArray[np.bool_] | None
"""Which rows of a segment are live, shape (rows,); None where all are."""

_BLOCK = 2_000_000  # terms that are sorted at one time while building: some 60 MB
_DTYPES = {"terms": np.uint64, "indptr": np.int64, "rows": np.int32, "tfs": np.uint16, "lengths": np.int32}


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """The postings of some rows, sorted by term, then by row.

    terms    uint64 (terms,), ascending: the hashes of the distinct terms
    indptr   int64 (terms + 1,): the postings of terms[i] are rows[indptr[i]:indptr[i + 1]]
    rows     int32 (postings,), ascending within a term
    tfs      uint16 (postings,): how often the term stands in that row, 65535 at most
    lengths  int32 (rows,): how many terms a row has
    """

    terms: NDArray[np.uint64]
    indptr: NDArray[np.int64]
    rows: NDArray[np.int32]
    tfs: NDArray[np.uint16]
    lengths: NDArray[np.int32]
    total: int = field(init=False)  # sum of lengths

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", int(self.lengths.sum(dtype=np.int64)))

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.lengths)

    @classmethod
    def build(cls, passages: Iterable[Sequence[str]]) -> "Segment":
        """Makes a segment of the terms of each passage, one row a passage, in order; a passage may be empty."""
        blocks: list[Segment] = []
        block: list[Sequence[str]] = []
        size = 0
        for terms in passages:
            block.append(terms)
            size += len(terms)
            if size >= _BLOCK:
                blocks.append(_build_block(block))
                block, size = [], 0
        blocks.append(_build_block(block))
        return blocks[0] if len(blocks) == 1 else merge(blocks)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """The five arrays by name, to be stored; `from_arrays` takes them back."""
        return {name: getattr(self, name) for name in _DTYPES}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> "Segment":
        """Makes a segment of stored arrays, which may be memory-mapped; nothing is copied.

        Raises Damaged where an array is missing or does not fit the others. Contents are not read through: the
        checksum of a file is the business of whoever stored it.
        """
        plain = {}
        for name, dtype in _DTYPES.items():
            array = arrays.get(name)
            if array is None or array.dtype != dtype or array.ndim != 1:
                found = "missing" if array is None else f"{array.dtype} with {array.ndim} dimensions"
                raise Damaged(f"Lexical index: array {name!r} is {found}, not {np.dtype(dtype)} with one; rebuild it.")
            plain[name] = array.view(np.ndarray)  # slicing a memmap is slow, slicing its plain view is not
        segment = cls(**plain)
        ends = (int(segment.indptr[0]), int(segment.indptr[-1])) if len(segment.indptr) else (-1, -1)
        if len(segment.indptr) != len(segment.terms) + 1 or ends != (0, len(segment.rows)):
            raise Damaged("Lexical index: the offsets do not fit the postings; rebuild the index.")
        if len(segment.rows) != len(segment.tfs):
            raise Damaged("Lexical index: there are not as many rows as term frequencies; rebuild the index.")
        return segment


def scores(
    segments: Sequence[Segment],
    query_terms: Sequence[str],
    *,
    masks: Sequence[Mask] | None = None,
    k1: float = K1,
    b: float = B,
) -> list[NDArray[np.float32]]:
    """The BM25 score of every row, one array of shape (rows,) a segment; 0 where no term is shared.

    A query term that is given twice counts twice. Rows masked out are taken for absent: they count neither in the
    document frequencies nor in the mean length, and score 0. So a mask is for deletes; a filter that a user chose
    should be laid over the scores afterwards, since it must not change them.
    """
    counts = Counter(query_terms)
    weights = np.fromiter(counts.values(), np.float64, len(counts))
    live = _masks(segments, masks)
    number, total = _size(segments, live)
    hashes = hash_terms(counts)
    found = [_postings(s, hashes, m) for s, m in zip(segments, live, strict=True)]
    df = np.sum([f.live for f in found], axis=0) if found else np.zeros(len(counts))
    weights *= _idf(number, df) * (k1 + 1)
    mean = total / number if number and total else 1.0
    out = []
    for segment, mask, postings in zip(segments, live, found, strict=True):
        rows, tfs = postings.rows, postings.tfs
        norm = segment.lengths[rows] * (k1 * b / mean)
        norm += k1 * (1 - b)
        norm += tfs
        part = np.repeat(weights, postings.counts)
        part *= tfs
        part /= norm
        score = np.bincount(rows, part, len(segment)).astype(np.float32)
        if mask is not None:
            score[~mask] = 0
        out.append(score)
    return out


def idf(
    segments: Sequence[Segment], terms: Sequence[str], *, masks: Sequence[Mask] | None = None
) -> NDArray[np.float64]:
    """The weight of each term as given, shape (len(terms),): log(1 + (N - df + 0.5) / (df + 0.5)) over all segments.

    A term that no row holds has the greatest weight; with no rows at all every weight is log(2).
    """
    live = _masks(segments, masks)
    hashes = hash_terms(terms)
    df = np.zeros(len(terms), np.int64)
    for segment, mask in zip(segments, live, strict=True):
        df += _df(segment, hashes, mask)
    return _idf(_size(segments, live)[0], df)


def merge(segments: Sequence[Segment], masks: Sequence[Mask] | None = None) -> Segment:
    """One segment of the live rows of several, in order: rows of the first segment first, renumbered from 0."""
    live = _masks(segments, masks)
    parts = [s if m is None else _drop(s, m) for s, m in zip(segments, live, strict=True)]
    if len(parts) == 1:
        return parts[0]
    terms = np.unique(np.concatenate([p.terms for p in parts])) if parts else np.empty(0, np.uint64)
    places = [np.searchsorted(terms, p.terms) for p in parts]
    df = np.zeros(len(terms), np.int64)
    for part, place in zip(parts, places, strict=True):
        df[place] += np.diff(part.indptr)
    indptr = _indptr(df)
    rows = np.empty(indptr[-1], np.int32)
    tfs = np.empty(indptr[-1], np.uint16)
    free = indptr[:-1].copy()  # where the next posting of each term goes
    first_row = 0
    for part, place in zip(parts, places, strict=True):
        counts = np.diff(part.indptr)
        at = np.repeat(free[place] - part.indptr[:-1], counts)
        at += np.arange(len(part.rows))
        rows[at] = part.rows + np.int32(first_row)
        tfs[at] = part.tfs
        free[place] += counts
        first_row += len(part)
    lengths = np.concatenate([p.lengths for p in parts]) if parts else np.empty(0, np.int32)
    return Segment(terms, indptr, rows, tfs, lengths)


@dataclass(frozen=True, slots=True)
class _Postings:
    counts: NDArray[np.int64]  # (query terms,): rows that hold the term
    live: NDArray[np.int64]  # (query terms,): those of them that are not masked out
    rows: NDArray[np.int32]  # all of them, term after term
    tfs: NDArray[np.uint16]


def _postings(segment: Segment, hashes: NDArray[np.uint64], mask: Mask) -> _Postings:
    starts, ends = _ranges(segment, hashes)
    slices = [slice(a, z) for a, z in zip(starts.tolist(), ends.tolist(), strict=True)]
    counts = ends - starts
    if not slices:
        return _Postings(counts, counts, segment.rows[:0], segment.tfs[:0])
    rows = np.concatenate([segment.rows[s] for s in slices])
    tfs = np.concatenate([segment.tfs[s] for s in slices])
    if mask is None:
        return _Postings(counts, counts, rows, tfs)
    live = np.zeros(len(counts), np.int64)
    some = counts > 0
    if some.any():
        live[some] = np.add.reduceat(mask[rows], _indptr(counts)[:-1][some], dtype=np.int64)
    return _Postings(counts, live, rows, tfs)


def _df(segment: Segment, hashes: NDArray[np.uint64], mask: Mask) -> NDArray[np.int64]:
    return _postings(segment, hashes, mask).live if mask is not None else np.subtract(*_ranges(segment, hashes)[::-1])


def _ranges(segment: Segment, hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the postings of each hash begin and end; the same place twice for a term that is not there."""
    if not len(segment.terms):
        return np.zeros(len(hashes), np.int64), np.zeros(len(hashes), np.int64)
    at = np.searchsorted(segment.terms, hashes)
    at[at == len(segment.terms)] = 0
    starts = segment.indptr[at]
    return starts, np.where(segment.terms[at] == hashes, segment.indptr[at + 1], starts)


def _build_block(passages: Sequence[Sequence[str]]) -> Segment:
    lengths = np.fromiter(map(len, passages), np.int32, len(passages))
    number: defaultdict[str, int] = defaultdict(count().__next__)
    flat = np.fromiter(map(number.__getitem__, chain.from_iterable(passages)), np.int64, int(lengths.sum()))
    terms, rank = np.unique(hash_terms(number), return_inverse=True)
    keys = rank[flat] * len(passages) + np.repeat(np.arange(len(passages)), lengths)
    keys, tfs = np.unique(keys, return_counts=True)
    term, row = np.divmod(keys, max(len(passages), 1))
    return Segment(
        terms,
        _indptr(np.bincount(term, minlength=len(terms))),
        row.astype(np.int32),
        np.minimum(tfs, np.iinfo(np.uint16).max).astype(np.uint16),
        lengths,
    )


def _drop(segment: Segment, mask: NDArray[np.bool_]) -> Segment:
    keep = mask[segment.rows]
    left = _indptr(keep)[segment.indptr]
    used = np.diff(left) > 0
    renumbered = np.cumsum(mask, dtype=np.int32) - np.int32(1)
    return Segment(
        segment.terms[used],
        np.concatenate([left[:1], left[1:][used]]),
        renumbered[segment.rows[keep]],
        segment.tfs[keep],
        segment.lengths[mask],
    )


def hash_terms(terms: Iterable[str]) -> NDArray[np.uint64]:
    """The 64-bit hash of each term, the same on every machine and in every process: uint64 (terms,), in order."""
    digests = b"".join(blake2b(t.encode("utf-8", "surrogatepass"), digest_size=8).digest() for t in terms)
    return np.frombuffer(digests, "<u8").astype(np.uint64, copy=False)


def _indptr(counts: NDArray[np.integer] | NDArray[np.bool_]) -> NDArray[np.int64]:
    out = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=out[1:])
    return out


def _masks(segments: Sequence[Segment], masks: Sequence[Mask] | None) -> Sequence[Mask]:
    if masks is None:
        return [None] * len(segments)
    if len(masks) != len(segments) or any(m is not None and m.shape != (len(s),) for s, m in zip(segments, masks)):  # noqa: B905
        raise ValueError("There must be one mask a segment, of as many rows as it has.")
    return masks


def _size(segments: Sequence[Segment], masks: Sequence[Mask]) -> tuple[int, int]:
    """The number of live rows and the sum of their lengths."""
    number = total = 0
    for segment, mask in zip(segments, masks, strict=True):
        number += len(segment) if mask is None else int(np.count_nonzero(mask))
        total += segment.total if mask is None else int(segment.lengths.sum(dtype=np.int64, where=mask))
    return number, total


def _idf(number: int, df: NDArray[np.integer] | NDArray[np.floating]) -> NDArray[np.float64]:
    weights: NDArray[np.float64] = np.log1p((number - df + 0.5) / (df + 0.5))
    return weights
