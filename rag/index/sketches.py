"""Sketches of documents, found again by what they have in common.

A sketch's bytes are taken three at a time: each three and their place make a key, and two documents whose similarity
is s share one of the ``BANDS`` keys with probability 1 - (1 - s^3)^24 (Leskovec et al., «Mining of Massive Datasets»,
3.4): .997 for .6. All keys lie in order, so that looking one up costs the logarithm of their number.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from rag.reprints import WIDTH

BANDS = WIDTH // 3
LIKELY = 0.46  # share of bytes in common from which texts are compared: 2.4 standard deviations below ``SAME``
_MOST = 1024  # documents of one key that are looked at

Rows = NDArray[np.uint8]
Numbers = NDArray[np.intp]


class Sketches:
    """The sketches of a part's documents; never changed. Arrays may be memory-mapped."""

    def __init__(self, rows: Rows, bands: NDArray[np.uint32], holders: NDArray[np.int32]) -> None:
        """``rows`` (documents, WIDTH); ``bands`` (documents * BANDS,) ascending keys; ``holders`` whose they are."""
        self.rows = rows
        self.bands = bands
        self.holders = holders

    @classmethod
    def build(cls, rows: Rows) -> "Sketches":
        """Puts the keys of sketches, uint8 (n, WIDTH), in order."""
        keys = _keys(rows).ravel()
        order = np.argsort(keys, kind="stable")
        return cls(rows, keys[order], (order // BANDS).astype(np.int32))

    @classmethod
    def merge(cls, parts: Sequence["Sketches"], kept: Sequence[NDArray[np.bool_]]) -> "Sketches":
        """The sketches of the documents of each part that are kept, bool (documents,), in order."""
        return cls.build(np.concatenate([part.rows[k] for part, k in zip(parts, kept, strict=True)]))

    def __len__(self) -> int:
        return len(self.rows)

    def near(self, wanted: Rows) -> tuple[Numbers, Numbers, NDArray[np.float64]]:
        """Documents likely to be reprints: which of ``wanted``, uint8 (m, WIDTH); which document; how alike."""
        keys = _keys(wanted).ravel()
        first = np.searchsorted(self.bands, keys)
        counts = np.minimum(np.searchsorted(self.bands, keys, "right") - first, _MOST)
        places = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        which = np.repeat(np.arange(len(keys)) // BANDS, counts)
        pairs = np.unique(which * len(self) + self.holders[places])
        which, documents = np.divmod(pairs, max(len(self), 1))
        alike = _alike(wanted[which], self.rows[documents])
        likely = alike >= LIKELY
        return which[likely], documents[likely], alike[likely]

    def pairs(self) -> Iterator[tuple[Numbers, Numbers]]:
        """All pairs of documents likely to be reprints, the smaller number first, some of them more than once.

        Of a key that more than ``_MOST`` documents share, each is paired with as many that follow it.
        """
        places = np.arange(len(self.bands))
        for apart in range(1, _MOST):
            places = places[: np.searchsorted(places, len(self.bands) - apart)]
            places = places[self.bands[places] == self.bands[places + apart]]
            if not len(places):
                return
            first, second = self.holders[places].astype(np.int64), self.holders[places + apart]
            a, b = np.divmod(np.unique(first * len(self) + second), len(self))
            likely = _alike(self.rows[a], self.rows[b]) >= LIKELY
            yield a[likely], b[likely]


def _keys(rows: Rows) -> NDArray[np.uint32]:
    threes = rows.reshape(len(rows), BANDS, 3).astype(np.uint32)
    band = np.arange(BANDS, dtype=np.uint32) << 24
    return np.asarray(threes[:, :, 0] | threes[:, :, 1] << 8 | threes[:, :, 2] << 16 | band, np.uint32)


def _alike(a: Rows, b: Rows) -> NDArray[np.float64]:
    return np.asarray(np.mean(a == b, axis=-1))
