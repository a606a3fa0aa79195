"""Fusion by hand-made scores; passages, copies and ties over a real index."""

from pathlib import Path

import numpy as np
import pytest
from samples import close, embed, entry, open_index, terms_of

from rag.rerank import LOOKED_AT, SHARE, covered, nearest, rerank
from rag.retrieve import LONG, fuse, retrieve
from rag.types import Hit


def test_fused_is_the_share_of_the_question_plus_a_part_of_the_cosine() -> None:
    lexical, dense = np.array([0.0, 2.0, 4.0], np.float32), np.array([0.5, -0.5, 0.0], np.float32)
    np.testing.assert_allclose(fuse(lexical, dense, 4.0, 0.4), [0.2, 0.3, 1.0], rtol=1e-6)
    np.testing.assert_allclose(fuse(lexical, dense, 4.0, 0.0), lexical / 4)
    assert np.isfinite(fuse(np.zeros(3, np.float32), dense, 0.0)).all()  # a question of which no term is known
    np.testing.assert_allclose(fuse(lexical, dense, 9 * LONG, 0.4), lexical / LONG + 0.4 * dense)  # a whole page


def _hit(number: int, text: str, score: float) -> Hit:
    return Hit(f"c{number:02}", f"d{number}", "", None, None, None, text, 0, len(text), score, 0.0, 0.0)


def test_nearest_is_the_best_sentence_and_never_against_a_passage() -> None:
    query = embed(["水位是三米"])[0]
    passages = [["今天有雨。", "水位是三米。", "明天放晴。"], ["今天有雨。", "明天放晴。"], ["水位是三米"]]
    found = nearest(passages, query, embed)
    assert found.dtype == np.float32
    assert found[0] == pytest.approx((embed(passages[0]) @ query).max())
    assert found[1] < found[0] < found[2] == pytest.approx(1)
    assert nearest([["水位"]], -embed(["水位"])[0], embed).tolist() == [0]
    assert nearest([], query, embed).shape == (0,)


def test_covered_is_the_share_of_the_best_sentence_whatever_its_script() -> None:
    terms = {"水位": 3.0, "三米": 2.0, "gdp": 1.0, "15": 2.0}
    found = covered(
        [["水位上涨。", "三米高。"], ["ＧＤＰ和水位，115个。"], ["今天有雨。"], ["15米的水位，三米的桥"]], terms
    )
    np.testing.assert_allclose(found, [3 / 8, 4 / 8, 0, 7 / 8])
    assert covered([["水位"]], {}).tolist() == [0]
    assert covered([], terms).shape == (0,)


def test_a_sentence_that_says_it_lifts_its_passage_over_near_ones_only() -> None:
    filler = "今天有雨。" * 5
    hits = [_hit(i, f"{filler}第{i}号站在河口。", 1 - i / 1000) for i in range(LOOKED_AT + 2)]
    said = [_hit(hit_at, f"{filler}水位是三米。", hits[hit_at].score) for hit_at in (5, LOOKED_AT + 1)]
    hits[5], hits[LOOKED_AT + 1] = said
    query, terms = embed(["水位是三米"])[0], {"水位": 2.0, "二米": 1.0}
    found = rerank(hits, query, terms, embed, 0.5)
    assert found[0].chunk_id == "c05"
    assert found[LOOKED_AT:] == hits[LOOKED_AT:]  # what was not looked at stays behind
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    cosine = float((embed(["水位是三米。"]) @ query)[0])
    assert found[0].score == pytest.approx(said[0].score + 0.5 * (cosine + SHARE * 2 / 3))
    assert rerank(hits, query, terms, embed, 0.0) == hits


def test_retrieval_looks_at_sentences_where_it_can(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    far = "站在河口。那里有风。那里有雨。那里有雪。那里有雾。水位是三米。"  # says it, among other things
    index.put([entry("far", far), entry("near", "水位在三站")])
    query = "水位是三米"
    vector, snapshot = embed([query])[0], index.snapshot()
    plain = retrieve(snapshot, [], vector, top_k=2)
    looked = retrieve(snapshot, [], vector, top_k=1, embed=embed)
    assert [hit.document_id for hit in plain.hits] == ["near", "far"]
    assert [hit.document_id for hit in looked.hits] == ["far"]
    assert set(looked.documents) == {"far"}
    close(index)


def test_passages_come_best_first_ties_by_chunk_id_and_no_more_than_asked_for(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    index.put([entry(f"d{i}", f"水位是{i % 2}米。这里是第{i // 2}号站") for i in range(8)])
    query = "水位是1米"
    found = retrieve(index.snapshot(), terms_of(query), embed([query])[0], top_k=3)
    assert len(found.hits) == 3
    assert all("水位是1米" in hit.text for hit in found.hits)
    keys = [(-hit.score, hit.chunk_id) for hit in found.hits]
    assert keys == sorted(keys)
    assert set(found.documents) == {hit.document_id for hit in found.hits}
    for hit in found.hits:
        assert found.documents[hit.document_id].text[hit.start : hit.end] == hit.text
    close(index)


def test_the_best_passage_is_found_behind_any_number_of_ties(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    index.put([entry(f"d{i:03}", f"第{i}站设在河口") for i in range(100)] + [entry("last", "水位是三米的站")])
    query = "水位是三米"
    found = retrieve(index.snapshot(), terms_of(query), embed([query])[0], top_k=2, weight=0.0)
    assert [hit.document_id for hit in found.hits] == ["last", "d000"]
    close(index)


def test_equal_texts_are_one_source(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    index.put([entry(id, "水库蓄水量为三亿立方米") for id in ("b", "a", "c")] + [entry("other", "水库的面积")])
    query = "水库蓄水量"
    found = retrieve(index.snapshot(), terms_of(query), embed([query])[0], top_k=5)
    assert [hit.document_id for hit in found.hits] == ["a", "other"]
    assert found.copies("a") == dict.fromkeys(("b", "c"), "水库蓄水量为三亿立方米")
    assert found.copies("other") == {}
    close(index)


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_an_empty_index_finds_nothing(tmp_path: Path, weight: float) -> None:
    index = open_index(tmp_path)
    assert retrieve(index.snapshot(), ["水库"], embed(["水库"])[0], top_k=5, weight=weight).hits == ()
    close(index)
