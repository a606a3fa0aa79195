"""Suggested questions: how they are made from sentences, and that only what is answered is suggested."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.engine import Engine
from rag.errors import Busy
from rag.suggest.choose import ASKED, NEWEST, SPREAD, SURE, suggest
from rag.suggest.questions import LONGEST, SHORTEST, questions
from rag.types import Answer, Document, Filter

HARBOUR = Document(
    id="harbour",
    title="宁波港建设智慧码头",
    text=(
        "宁波港建设智慧码头\n\n"
        "2024年6月,宁波港务集团和浙江理工大学签署了《智慧码头联合研发协议》。\n\n"
        "宁波港布设了46台自动化岸桥。为减少船舶的排放,宁波港务集团建成了岸电系统。\n\n"
        "今年,宁波港将在装卸、仓储、通关三个环节推行无纸化作业。"
    ),
)
MUSEUM = Document(
    id="museum",
    title="洛阳古陶博物馆重新开放",
    source="洛阳晚报",
    text=(
        "洛阳古陶博物馆重新开放\n\n"
        "3月18日,洛阳古陶博物馆重新开放。洛阳古陶博物馆位于洛阳市瀍河区。\n\n"
        "洛阳古陶博物馆收藏陶器2300件。由于库房漏雨,洛阳古陶博物馆没有展出壁画。"
    ),
)
RAILWAY = Document(
    id="railway",
    title="昆明至河口铁路改造",
    text=(
        "昆明至河口铁路改造\n\n"
        "云南铁路局将在轨道、信号、站房三个方面改造滇越铁路。云南铁路局制定了《滇越铁路改造方案》。\n\n"
        "云南铁路局更换了1200根枕木。自2031年5月开工以来,云南铁路局聚焦山区隧道领域。"
    ),
)
CORPUS = (HARBOUR, MUSEUM, RAILWAY)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine.open(tmp_path / "vectors")
    engine.add(CORPUS)
    yield engine
    engine.close()


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("宁波大桥全长2386米,主跨720米。", "宁波大桥全长是多少米？"),
        (
            "2024年6月,宁波港务集团和北屿理工大学签署了《智慧码头联合研发协议》。",
            "宁波港务集团和北屿理工大学签署了什么协议？",
        ),
        ("今年,宁波港将在装卸、仓储、通关三个环节推行无纸化作业。", "宁波港将在哪三个环节推行无纸化作业？"),
        ("宁波港位于杭州湾西岸。", "宁波港位于哪里？"),
        ("宁波港被誉为“东方大港”。", "宁波港被誉为什么？"),
        ("自2022年6月揭牌投用以来,宁波实验室聚焦海洋工程领域。", "宁波实验室是什么时候揭牌投用的？"),
        ("自2022年6月揭牌投用以来,宁波实验室聚焦海洋工程领域。", "宁波实验室聚焦什么领域？"),
        ("2024年6月,宁波港务集团启用了自动化岸桥。", "宁波港务集团是什么时候启用自动化岸桥的？"),
        ("由于航道水深不足,宁波港没有采用大型岸桥。", "宁波港为什么没有采用大型岸桥？"),
    ],
)
def test_a_statement_becomes_a_question(sentence: str, question: str) -> None:
    assert question in [made.text for made in questions(sentence)]


@pytest.mark.parametrize(
    "sentence",
    [
        "该公司全长2386米的厂房已经建成。",  # of which company
        "两地签署了《宁波北屿合作协议》。",
        "今年,双方将在装卸、仓储、通关三个环节推行无纸化作业。",
        "累计引进研发机构22个。",  # by whom
        "The Greenstone Bridge is 3.5 kilometres long and opened on 5 March 2024.",
        "记者:何雨 摄影:田野",
        "宁波港务集团表示:“我们在2024年签署了《智慧码头联合研发协议》。”",
    ],
)
def test_what_cannot_be_asked_alone_is_left(sentence: str) -> None:
    assert list(questions(sentence)) == []


def test_a_law_is_asked_about_by_its_title() -> None:
    made = list(questions("本条例自2031年7月1日起施行。", "宁波市港口条例"))
    assert [each.text for each in made] == ["《宁波市港口条例》自什么时候起施行？"]
    assert list(questions("本条例自2031年7月1日起施行。", "港口新闻")) == []


def test_a_question_in_traditional_characters_asks_in_them() -> None:
    made = [each.text for each in questions("宁波港務集團簽署了《智慧碼頭聯合研發協議》。宁波實驗室聚焦海洋工程領域。")]
    assert "宁波實驗室聚焦什麼領域？" in made


def test_questions_have_a_length_and_span_their_sentence() -> None:
    for document in CORPUS:
        made = list(questions(document.text, document.title))
        assert len(made) >= 3
        for each in made:
            assert (
                SHORTEST <= len(each.text) <= LONGEST
                and each.text.count("？") == 1
                and each.text[0] not in "该其这那他她它"
            )
            assert document.text[each.end - 1] == "。" and "。" not in document.text[each.start : each.end - 1]


def test_every_suggestion_is_answered_from_its_sentence(engine: Engine) -> None:
    suggestions = engine.suggest(20)
    assert len(suggestions) >= 6
    documents = {document.id: document for document in CORPUS}
    for each in suggestions:
        document = documents[each.document_id]
        (made,) = (m for m in questions(document.text, document.title) if m.text == each.question)
        answer = engine.ask(each.question)
        first = answer.citations[0]
        assert answer.answerable and answer.confidence >= SURE
        assert (first.document_id, first.title) == (each.document_id, each.title) == (document.id, document.title)
        assert first.start <= made.start and made.end <= first.end


def test_what_is_not_answered_or_answered_from_elsewhere_is_not_suggested(engine: Engine) -> None:
    sources = engine._index.snapshot().sample(NEWEST, SPREAD)

    def among(only: str) -> set[str]:
        def ask(question: str) -> Answer:
            return engine.ask(question, filter=Filter(document_ids=frozenset({only})))

        return {each.document_id for each in suggest(sources, engine._library.texts, ask)}

    assert list(suggest(sources, engine._library.texts, lambda question: engine.ask(question, threshold=1.1))) == []
    assert among(MUSEUM.id) == {MUSEUM.id}
    assert among("none") == set()


def test_they_are_of_different_documents_and_kinds(engine: Engine) -> None:
    assert {each.document_id for each in engine.suggest(len(CORPUS))} == {document.id for document in CORPUS}
    asked = {each.question for each in engine.suggest(6)}
    kinds = {made.kind for d in CORPUS for made in questions(d.text, d.title) if made.text in asked}
    assert len(asked) == 6 and len(kinds) >= 3


def test_they_stay_the_same_until_something_changes(engine: Engine, tmp_path: Path) -> None:
    first = engine.suggest(20)
    assert engine.suggest(20) == first and engine.suggest(3) == first[:3]
    other = Engine.open(tmp_path / "vectors")  # as another worker
    assert other.suggest(4) == first[:4] and other.suggest(20) == first
    engine.add([Document("news", "北屿灯塔全长31米。北屿灯塔位于杭州湾东岸。", "北屿灯塔重新点亮")])
    assert other.suggest(1)[0].document_id == "news"
    assert other.suggest(20) == engine.suggest(20) != first
    other.close()


def test_nothing_is_told_of_what_was_deleted(engine: Engine, tmp_path: Path) -> None:
    other = Engine.open(tmp_path / "vectors")
    for document in CORPUS:
        assert document.id in {each.document_id for each in other.suggest(20)}
        engine.remove([document.id])
        assert document.id not in {each.document_id for each in (*other.suggest(20), *engine.suggest(20))}
    assert other.suggest(20) == []
    other.close()


def test_a_document_that_is_deleted_while_they_are_made_is_not_told_of(engine: Engine, tmp_path: Path) -> None:
    other = Engine.open(tmp_path / "vectors")
    asked = []

    def ask(question: str) -> Answer:
        answer = other.ask(question)
        asked.append(question)
        if answer.citations[0].document_id == HARBOUR.id:
            engine.remove([HARBOUR.id])
        return answer

    other._suggested._ask = ask
    assert HARBOUR.id not in {each.document_id for each in other.suggest(2)}
    assert asked
    other.close()


def test_a_corrected_title_is_the_one_told(engine: Engine) -> None:
    engine.suggest(20)
    engine.correct(HARBOUR.id, {"title": "宁波港新闻"})
    assert "宁波港新闻" in {each.title for each in engine.suggest(20)}
    assert HARBOUR.title not in {each.title for each in engine.suggest(20)}


def test_a_reprint_is_asked_of_once(engine: Engine) -> None:
    copy = Document("copy", MUSEUM.text, MUSEUM.title, "他报")
    engine.add([copy])
    suggestions = engine.suggest(20)
    assert len({each.question for each in suggestions}) == len(suggestions)
    assert len({each.document_id for each in suggestions} & {MUSEUM.id, copy.id}) == 1


def test_documents_that_give_nothing_to_ask_give_nothing(tmp_path: Path) -> None:
    engine = Engine.open(tmp_path)
    assert engine.suggest() == []
    engine.add([Document("en", "The Greenstone Bridge is 3.5 kilometres long. It opened on 5 March 2024.", "A bridge")])
    engine.add([Document("list", "甲、乙、丙。\n一、二、三。", "名单")])
    assert engine.suggest() == []
    engine.close()


def test_only_so_much_is_read_and_asked(tmp_path: Path) -> None:
    engine = Engine.open(tmp_path)
    engine.add(Document(f"n{n}", f"北屿{n}号灯塔全长{n + 10}米。北屿{n}号灯塔位于杭州湾东岸。") for n in range(100))
    read, asked = [], []

    def ask(question: str) -> Answer:
        asked.append(question)
        return engine.ask(question, threshold=1.1)

    def texts(keys: object) -> dict[int, str]:
        read.extend(wanted := list(keys))  # type: ignore[call-overload]
        return engine._library.texts(wanted)

    sources = engine._index.snapshot().sample(NEWEST, SPREAD)
    assert list(suggest(sources, texts, ask)) == []
    assert len(asked) <= ASKED and len(read) == len(set(read)) <= NEWEST + SPREAD
    assert [source.id for source in sources[:4]] == ["n99", "n83", "n98", sources[3].id]
    assert len({source.id for source in sources}) == NEWEST + SPREAD and "n0" in {source.id for source in sources}
    engine.close()


def test_many_ask_at_once(engine: Engine) -> None:
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(engine.suggest(8))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and all(each == found[0] for each in found)


def test_a_failure_is_not_kept(engine: Engine) -> None:
    right, failing = engine._suggested._ask, True

    def ask(question: str) -> Answer:
        if failing:
            raise Busy("later")
        return right(question)

    engine._suggested._ask = ask
    with pytest.raises(Busy):
        engine.suggest()
    failing = False
    assert len(engine.suggest()) == 6
