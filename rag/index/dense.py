"""The dense index: exact inner products of unit vectors, held by a flat FAISS index.

FAISS is imported on first use, so that what needs no index starts without it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import Damaged


class DenseSegment:
    """The vectors of some rows. It is written once; rows are deleted by masking them in the scores."""

    def __init__(self, index: Any) -> None:
        """Wraps a faiss.IndexFlat of inner products; use `build` or `deserialize`."""
        import faiss

        self._index = index
        self.vectors: NDArray[np.float32] = (
            faiss.rev_swig_ptr(index.get_xb(), index.ntotal * index.d).reshape(index.ntotal, index.d)
            if index.ntotal
            else np.empty((0, index.d), np.float32)
        )
        """float32 (n, d), read-only: a view of the index, alive as long as this segment."""
        self.vectors.flags.writeable = False

    @classmethod
    def build(cls, vectors: NDArray[np.float32]) -> "DenseSegment":
        """Makes a segment of unit vectors, float32 (n, d), one row each; n may be 0, d not. They are copied.

        Raises ValueError where the shape or the dtype is another, or a value is not finite.
        """
        import faiss

        if vectors.ndim != 2 or vectors.dtype != np.float32 or not vectors.shape[1]:
            raise ValueError(f"Vectors must be float32 (n, d), not {vectors.dtype} {vectors.shape}.")
        if not np.isfinite(vectors).all():
            raise ValueError("Vectors must be finite; the embedding model gave NaN or infinity.")
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors))
        return cls(index)

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.vectors)

    @property
    def dimension(self) -> int:
        """d, the length of a vector."""
        return int(self.vectors.shape[1])

    def scores(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """The inner product of the query, float32 (d,), with every row: float32 (n,), a cosine for unit vectors.

        All rows are scored, not the best few alone: the fusion with the lexical scores needs their spread.
        """
        import faiss

        if query.shape != (self.dimension,):
            raise ValueError(f"The query has shape {query.shape}, the index holds vectors of ({self.dimension},).")
        query = np.ascontiguousarray(query, np.float32)
        out = np.empty(len(self), np.float32)
        if len(self):
            faiss.fvec_inner_products_ny(  # type: ignore[attr-defined]
                faiss.swig_ptr(out), faiss.swig_ptr(query), self._index.get_xb(), self.dimension, len(self)
            )
        return out

    def serialize(self) -> bytes:
        """The segment as bytes; the caller writes them, and so sees a full disk, which FAISS's own writer hides."""
        import faiss

        data: NDArray[np.uint8] = faiss.serialize_index(self._index)
        return data.tobytes()

    @classmethod
    def deserialize(cls, data: bytes) -> "DenseSegment":
        """Takes back what `serialize` gave. Raises Damaged for anything else; check a checksum first."""
        import faiss

        try:
            index = faiss.deserialize_index(np.frombuffer(data, np.uint8))
        except RuntimeError as error:
            raise Damaged("Dense index: the file is no FAISS index; rebuild the index.") from error
        if not isinstance(index, faiss.IndexFlat) or index.metric_type != faiss.METRIC_INNER_PRODUCT:
            raise Damaged(f"Dense index: {type(index).__name__} is not a flat index of inner products; rebuild it.")
        return cls(index)
