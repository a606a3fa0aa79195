"""Fusion by hand-made scores; passages, copies and ties over a real index."""

from pathlib import Path

import numpy as np
import pytest
from samples import close, embed, entry, open_index, terms_of

from rag.retrieve import fuse, retrieve


def test_fused_is_the_share_of_the_question_plus_a_part_of_the_cosine() -> None:
    lexical, dense = np.array([0.0, 2.0, 4.0], np.float32), np.array([0.5, -0.5, 0.0], np.float32)
    np.testing.assert_allclose(fuse(lexical, dense, 4.0, 0.4), [0.2, 0.3, 1.0], rtol=1e-6)
    np.testing.assert_allclose(fuse(lexical, dense, 4.0, 0.0), lexical / 4)
    assert np.isfinite(fuse(np.zeros(3, np.float32), dense, 0.0)).all()  # a question of which no term is known


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
    assert found.copies == {"a": ("b", "c")}
    close(index)


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_an_empty_index_finds_nothing(tmp_path: Path, weight: float) -> None:
    index = open_index(tmp_path)
    assert retrieve(index.snapshot(), ["水库"], embed(["水库"])[0], top_k=5, weight=weight).hits == ()
    close(index)
