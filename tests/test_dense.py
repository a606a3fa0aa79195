"""The dense index, against NumPy."""

import subprocess
import sys

import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import Damaged
from rag.index.dense import DenseSegment


def unit(rows: int, dimension: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, dimension)).astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return vectors


@given(st.integers(0, 60), st.sampled_from([1, 2, 3, 31, 64, 256]), st.integers(0, 2**32 - 1))
def test_scores_are_the_inner_products(rows: int, dimension: int, seed: int) -> None:
    vectors, query = unit(rows, dimension, seed), unit(1, dimension, seed + 1)[0]
    got = DenseSegment.build(vectors).scores(query)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, vectors.astype(np.float64) @ query, atol=1e-6)


def test_neighbours_are_exact() -> None:
    vectors, queries = unit(2000, 64, 1), unit(20, 64, 2)
    segment = DenseSegment.build(vectors)
    expected = np.argsort(-(queries.astype(np.float64) @ vectors.T.astype(np.float64)), axis=1)[:, :10]
    got = [np.argsort(-segment.scores(query), kind="stable")[:10] for query in queries]
    np.testing.assert_array_equal(got, expected)


def test_equal_vectors_score_equal_wherever_they_lie() -> None:
    one = unit(1, 50)
    scores = DenseSegment.build(np.vstack([unit(7, 50, 3), one, unit(9, 50, 4), one])).scores(unit(1, 50, 5)[0])
    assert scores[7] == scores[-1]


@pytest.mark.parametrize("rows", [0, 1, 33])
def test_a_segment_comes_back_from_its_bytes(rows: int) -> None:
    segment = DenseSegment.build(unit(rows, 16))
    back = DenseSegment.deserialize(segment.serialize())
    assert (len(back), back.dimension) == (rows, 16)
    np.testing.assert_array_equal(back.vectors, segment.vectors)
    query = unit(1, 16, 9)[0]
    np.testing.assert_array_equal(back.scores(query), segment.scores(query))


def test_the_vectors_are_a_copy_that_cannot_be_written_to() -> None:
    vectors = unit(3, 8)
    segment = DenseSegment.build(vectors)
    kept = vectors.copy()
    vectors[:] = 0
    np.testing.assert_array_equal(segment.vectors, kept)
    with pytest.raises(ValueError, match="read-only"):
        segment.vectors[0, 0] = 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no index",
        DenseSegment.build(unit(5, 8)).serialize()[:-3],
        faiss.serialize_index(faiss.IndexFlatL2(8)).tobytes(),
        faiss.serialize_index(faiss.IndexHNSWFlat(8, 4)).tobytes(),
    ],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(Damaged, match="Dense index"):
        DenseSegment.deserialize(data)


@pytest.mark.parametrize(
    "vectors",
    [np.zeros(3, np.float32), np.zeros((2, 3)), np.zeros((2, 0), np.float32), np.full((1, 3), np.nan, np.float32)],
)
def test_what_are_no_vectors_is_refused(vectors: np.ndarray) -> None:
    with pytest.raises(ValueError, match="Vectors must be"):
        DenseSegment.build(vectors)


def test_a_query_of_another_dimension_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        DenseSegment.build(unit(2, 8)).scores(unit(1, 9)[0])


def test_faiss_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, rag.index.dense, rag.index.lexical; sys.exit('faiss' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
