"""The BM25 index, against bm25s and against a few lines of plain Python."""

import math
from collections import Counter
from itertools import pairwise
from pathlib import Path

import bm25s
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import Damaged
from rag.index.lexical import Segment, idf, merge, scores

PASSAGES = st.lists(st.lists(st.sampled_from("甲乙丙丁戊己庚辛"), max_size=12), max_size=14)
QUERY = st.lists(st.sampled_from("甲乙丙丁戊己庚辛壬"), max_size=6)
CUTS = st.lists(st.integers(0, 14), max_size=4)


def plain_bm25(passages: list[list[str]], query: list[str], k1: float, b: float) -> list[float]:
    """BM25 as the textbook has it, term by term."""
    mean = sum(map(len, passages)) / len(passages) if any(passages) else 1.0
    out = []
    for passage in passages:
        score = 0.0
        for term in query:
            df = sum(term in other for other in passages)
            tf = passage.count(term)
            weight = math.log(1 + (len(passages) - df + 0.5) / (df + 0.5))
            score += weight * tf * (k1 + 1) / (tf + k1 * (1 - b + b * len(passage) / mean)) if tf else 0.0
        out.append(score)
    return out


def split(passages: list[list[str]], cuts: list[int]) -> list[list[list[str]]]:
    bounds = [0, *sorted(min(c, len(passages)) for c in cuts), len(passages)]
    return [passages[a:z] for a, z in pairwise(bounds)]


@given(PASSAGES, QUERY, st.floats(0.1, 3), st.floats(0, 1))
def test_scores_are_those_of_the_textbook(passages: list[list[str]], query: list[str], k1: float, b: float) -> None:
    (got,) = scores([Segment.build(passages)], query, k1=k1, b=b)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, plain_bm25(passages, query, k1, b), rtol=1e-6, atol=1e-6)


def test_scores_are_those_of_bm25s() -> None:
    random = np.random.default_rng(5)
    passages = [[f"t{n}" for n in random.zipf(1.4, random.integers(1, 60)) if n < 500] or ["t1"] for _ in range(300)]
    oracle = bm25s.BM25(method="lucene", k1=1.1, b=0.6)
    oracle.index(passages, show_progress=False)
    segment = Segment.build(passages)
    for query in (["t1", "t2"], ["t3"], ["t400", "t9", "t17"], passages[7][:5]):
        distinct = sorted(set(query))
        # bm25s leaves out the constant factor k1 + 1
        expected = oracle.get_scores([t for t in distinct if t in oracle.vocab_dict]) * (1.1 + 1)
        np.testing.assert_allclose(scores([segment], distinct, k1=1.1, b=0.6)[0], expected, rtol=1e-5, atol=1e-5)


@given(PASSAGES, QUERY, CUTS)
def test_a_row_scores_the_same_in_whatever_segment_it_lies(
    passages: list[list[str]], query: list[str], cuts: list[int]
) -> None:
    (whole,) = scores([Segment.build(passages)], query)
    parts = scores([Segment.build(part) for part in split(passages, cuts)], query)
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-6, atol=1e-6)


@given(PASSAGES, QUERY, CUTS, st.lists(st.booleans(), min_size=14, max_size=14))
def test_masked_rows_count_for_nothing(
    passages: list[list[str]], query: list[str], cuts: list[int], alive: list[bool]
) -> None:
    parts = split(passages, cuts)
    segments = [Segment.build(part) for part in parts]
    flags = iter(alive)
    masks = [np.array([next(flags) for _ in part], bool) for part in parts]
    mask = np.concatenate(masks)
    left = Segment.build([p for p, kept in zip(passages, mask, strict=True) if kept])

    got = np.concatenate(scores(segments, query, masks=masks))
    np.testing.assert_allclose(got[mask], scores([left], query)[0], rtol=1e-6, atol=1e-6)
    assert not got[~mask].any()
    np.testing.assert_allclose(idf(segments, query, masks=masks), idf([left], query))


@given(PASSAGES, CUTS, st.lists(st.booleans(), min_size=14, max_size=14))
def test_merging_gives_the_segment_that_building_gives(
    passages: list[list[str]], cuts: list[int], alive: list[bool]
) -> None:
    parts = split(passages, cuts)
    flags = iter(alive)
    masks = [np.array([next(flags) for _ in part], bool) for part in parts]
    kept = [p for p, live in zip(passages, np.concatenate(masks), strict=True) if live]
    merged = merge([Segment.build(part) for part in parts], masks)
    assert_equal(merged, Segment.build(kept))
    assert_equal(merge([Segment.build(part) for part in parts]), Segment.build(passages))


def assert_equal(one: Segment, other: Segment) -> None:
    for name, array in one.arrays().items():
        assert array.dtype == other.arrays()[name].dtype
        np.testing.assert_array_equal(array, other.arrays()[name], err_msg=name)


def test_a_segment_built_in_blocks_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    passages = [list("甲乙丙甲"), [], list("乙"), list("丁丁"), list("丙甲")]
    whole = Segment.build(passages)
    monkeypatch.setattr("rag.index.lexical._BLOCK", 2)
    assert_equal(Segment.build(iter(passages)), whole)


def test_a_repeated_query_term_counts_as_often_as_it_is_given() -> None:
    segment = Segment.build([list("甲乙"), list("乙丙丙")])
    once, other = scores([segment], ["丙"])[0], scores([segment], ["乙"])[0]
    np.testing.assert_allclose(scores([segment], ["丙", "乙", "丙"])[0], 2 * once + other, rtol=1e-6)


def test_rows_without_a_query_term_score_zero() -> None:
    segment = Segment.build([list("甲乙"), list("丙")])
    assert scores([segment], ["丁"])[0].tolist() == [0, 0]
    assert scores([segment], [])[0].tolist() == [0, 0]
    assert scores([segment], ["丙"])[0][0] == 0 < scores([segment], ["丙"])[0][1]


def test_no_segments_and_empty_ones_are_searched_without_harm() -> None:
    assert scores([], ["甲"]) == []
    assert [s.shape for s in scores([Segment.build([]), Segment.build([[]])], ["甲"])] == [(0,), (1,)]
    assert len(merge([])) == 0
    assert idf([], ["甲", "乙"]).tolist() == pytest.approx([math.log(2)] * 2)


def test_idf_gives_one_weight_a_term_in_the_order_given() -> None:
    segments = [Segment.build([list("甲乙"), list("甲")]), Segment.build([list("甲丙")])]
    terms = ["丁", "甲", "乙", "甲"]
    df = Counter({"甲": 3, "乙": 1})
    assert idf(segments, terms).tolist() == pytest.approx([math.log(1 + (3.5 - df[t]) / (df[t] + 0.5)) for t in terms])


def test_a_term_frequency_over_the_width_of_its_field_is_held_at_the_limit() -> None:
    assert Segment.build([["甲"] * 70_000]).tfs.tolist() == [65_535]


def test_terms_are_known_by_a_hash_that_is_the_same_in_every_process() -> None:
    assert Segment.build([["重庆"]]).terms.tolist() == [10_291_084_732_918_477_194]


def test_lone_surrogates_do_no_harm() -> None:
    assert scores([Segment.build([["\ud800"]])], ["\ud800"])[0][0] > 0


def test_stored_arrays_are_taken_back_through_memory_maps(tmp_path: Path) -> None:
    segment = Segment.build([list("甲乙丙甲"), list("乙")])
    for name, array in segment.arrays().items():
        np.save(tmp_path / name, array, allow_pickle=False)
    mapped = {p.stem: np.load(p, mmap_mode="r", allow_pickle=False) for p in tmp_path.glob("*.npy")}
    back = Segment.from_arrays(mapped)
    assert_equal(back, segment)
    assert scores([back], ["乙"])[0].tolist() == scores([segment], ["乙"])[0].tolist()
    assert all(np.shares_memory(array, mapped[name]) for name, array in back.arrays().items())


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("terms", None),
        ("terms", np.zeros(1, np.uint64)),
        ("indptr", np.zeros(0, np.int64)),
        ("indptr", np.zeros(4, np.int32)),
        ("rows", np.zeros(3, np.int32)),
        ("tfs", np.zeros(9, np.uint16)),
        ("lengths", np.zeros((2, 1), np.int32)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(name: str, array: np.ndarray | None) -> None:
    arrays = dict(Segment.build([list("甲乙丙甲"), list("乙")]).arrays())
    if array is None:
        del arrays[name]
    else:
        arrays[name] = array
    with pytest.raises(Damaged, match="Lexical index"):
        Segment.from_arrays(arrays)


def test_masks_of_the_wrong_shape_are_refused() -> None:
    segment = Segment.build([list("甲乙"), list("乙")])
    for masks in ([], [np.ones(3, bool)], [None, None]):
        with pytest.raises(ValueError, match="one mask a segment"):
            scores([segment], ["甲"], masks=masks)
