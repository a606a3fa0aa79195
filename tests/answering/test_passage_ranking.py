"""The reader orders passages by how likely they answer; what it did not read stays behind."""

from typing import cast

from answering.scripted_reader import CALIBRATION, QUESTION, ScriptedReader, make_hits
from articles import ARTICLES, BRIDGE

from rag.answering.passage_ranking import RERANKED, rank_passages
from rag.answering.reader import Reader
from rag.types import Document


def test_the_passage_that_answers_comes_first_whatever_search_said() -> None:
    hits = make_hits([*ARTICLES[1:], BRIDGE])
    reader = ScriptedReader("2386米", "146家")
    documents = {d.id: d for d in ARTICLES}
    ranked = rank_passages(QUESTION, QUESTION, hits, documents, cast(Reader, reader), CALIBRATION)
    assert [hit.document_id for hit in ranked] == ["bridge", "tea", "library"]
    assert all(hit.reader is not None for hit in ranked)
    assert ranked[0].reader == round(CALIBRATION.estimate(4.0, 1.0), 4) > (ranked[1].reader or 0)


def test_only_the_first_are_read() -> None:
    documents = [Document(f"d{i}", f"青江大桥第{i}号报道。", title="") for i in range(RERANKED + 3)]
    reader = ScriptedReader()
    held = {d.id: d for d in documents}
    ranked = rank_passages(QUESTION, QUESTION, make_hits(documents), held, cast(Reader, reader), CALIBRATION)
    assert len(reader.shown) == RERANKED and len(ranked) == RERANKED + 3
    assert [hit.document_id for hit in ranked[-3:]] == ["d20", "d21", "d22"]
    assert [hit.reader for hit in ranked[-3:]] == [None] * 3
    assert rank_passages(QUESTION, QUESTION, [], {}, cast(Reader, reader), CALIBRATION) == []
