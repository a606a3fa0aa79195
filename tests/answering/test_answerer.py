"""Windows are ranked, read a few at a time, and the surest one that says something is answered from."""

from collections.abc import Sequence
from typing import Any, cast

from articles import ARTICLES, BRIDGE, TEA

from answering.scripted_reader import CALIBRATION, QUESTION, ScriptedReader, make_hits
from rag.answering.answerer import MOST_WINDOWS, Looked, answer_question
from rag.answering.candidate_windows import is_on_topic, rank_windows
from rag.answering.reader import Reader
from rag.question import understand
from rag.retrieve import Found
from rag.types import Answer, Document, Turn


def answer(
    question: str,
    reader: ScriptedReader,
    documents: Sequence[Document] = ARTICLES,
    history: Sequence[Turn] = (),
    threshold: float = 0.5,
) -> Answer:
    query = understand(question, history)
    found = Found(tuple(make_hits(documents)), {d.id: d for d in documents}, lambda id: {})
    looked = Looked(query, (found,) * len(query.parts))
    return answer_question(looked, cast(Reader, reader), CALIBRATION, threshold)


def test_the_sentence_of_the_span_is_the_answer() -> None:
    given = answer(QUESTION, ScriptedReader("2386米"))
    assert given.text == "大桥全长2386米,主跨720米,双向六车道,设计时速80公里。[1]" and given.answerable
    assert given.confidence == CALIBRATION.estimate(4.0, 1.0) and given.citations[0].document_id == "bridge"


def test_below_the_threshold_the_reason_tells_a_topic_from_a_fact() -> None:
    for question, reason in ((QUESTION, "no_answer"), ("火星上有几座天文台?", "no_topic")):
        refused = answer(question, ScriptedReader("nothing of the kind"))
        assert (refused.answerable, refused.reason, refused.citations) == (False, reason, ())
        assert 0 < refused.confidence < 0.5
    assert answer(QUESTION, ScriptedReader("nothing"), threshold=0.0).answerable


def test_reading_stops_when_it_is_sure_and_has_a_limit() -> None:
    many = [Document(f"d{i}", f"青江大桥第{i}篇。" + "大桥全长的报道。" * 40, title=f"报道{i}") for i in range(6)]
    unsure = ScriptedReader()
    answer(QUESTION, unsure, many)
    assert len(unsure.shown) == MOST_WINDOWS
    sure = ScriptedReader("大桥")
    answer(QUESTION, sure, many)
    assert len(sure.shown) == 2


def test_what_was_said_before_is_not_said_again() -> None:
    reader = ScriptedReader("2386米", "林致远")
    history = [Turn("user", QUESTION), Turn("assistant", answer(QUESTION, reader).text)]
    more = answer("还有吗?", reader, [BRIDGE], history)
    assert "2386" not in more.text


def test_each_part_of_a_question_is_answered() -> None:
    given = answer("青江大桥全长多少米?云岭县有多少茶叶加工企业?", ScriptedReader("2386米", "146家"))
    assert "2386米" in given.text


def test_the_windows_that_share_most_with_the_question_come_first() -> None:
    documents = {d.id: d for d in ARTICLES}
    ranked = rank_windows("云岭县有多少家茶叶加工企业?", make_hits([BRIDGE, TEA]), documents)
    assert ranked[0].document_id == "tea" and ranked[0].share > ranked[-1].share
    for candidate in ranked:
        text = documents[candidate.document_id].text
        assert text[candidate.start : candidate.end] == candidate.text and 0 <= candidate.share <= 1
    doubled = make_hits([BRIDGE, BRIDGE])
    assert len(rank_windows(QUESTION, doubled, documents)) == len(rank_windows(QUESTION, doubled[:1], documents))


def test_a_topic_is_told_by_the_words_of_a_passage_and_its_title() -> None:
    documents: dict[str, Any] = {d.id: d for d in ARTICLES}
    assert is_on_topic("青江大桥什么时候拆除?", make_hits([BRIDGE]), documents)
    assert not is_on_topic("火星上有几座天文台?", make_hits(ARTICLES), documents)
    assert not is_on_topic("青江大桥?", [], documents)
