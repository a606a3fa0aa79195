"""The whole way, with the model that is shipped: seeds in, questions answered with exact citations, or refused."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from articles import ARTICLES, BRIDGE

from rag.engine import Engine
from rag.errors import IndexMismatch, InvalidInput, NotFound
from rag.types import Answer, Document, Filter, Turn


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine.open(tmp_path_factory.mktemp("vectors"))
    engine.add(ARTICLES)
    yield engine
    engine.close()


def assert_exact(engine: Engine, answer: Answer) -> None:
    """Quotes are their spans, markers and citations are the same, the pieces make the text."""
    assert "".join(answer.pieces) == answer.text
    for number, citation in enumerate(answer.citations, 1):
        assert engine.document(citation.document_id).text[citation.start : citation.end] == citation.quote
        assert citation.marker == number and f"[{number}]" in answer.text
        assert 0 < len(citation.quote) <= 300
    assert f"[{len(answer.citations) + 1}]" not in answer.text


@pytest.mark.parametrize(
    ("question", "document", "said"),
    [
        ("青江大桥全长多少米?", "bridge", "2386米"),
        ("青江大桥的总工程师是谁?", "bridge", "林致远"),
        ("青江大桥总投资是多少?", "bridge", "18.6亿元"),
        ("青江大桥什么时候通车?", "bridge", "10月8日"),
        ("青江大桥为什么没有采用水中桥墩?", "bridge", "江面航运繁忙"),
        ("云岭县有多少家茶叶加工企业?", "tea", "146家"),
        ("县农业农村局提出了哪四项任务?", "tea", "培育龙头企业"),
        ("云岭绿茶哪一年获得国家地理标志产品保护?", "tea", "2019年"),
        ("南屏市图书馆的馆长是谁?", "library", "周敏"),
        ("青江大橋全長多少米?", "bridge", "2386米"),
    ],
)
def test_a_question_is_answered_from_the_right_document(
    engine: Engine, question: str, document: str, said: str
) -> None:
    answer = engine.ask(question)
    assert answer.answerable and said in answer.text
    assert answer.citations[0].document_id == document
    assert len(answer.text) < 200
    assert_exact(engine, answer)


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("火星上有水吗?", "文档中"),
        ("谁获得了诺贝尔文学奖?", "文档中"),
        ("請問股市今天漲了多少?", "文件中"),
        ("Who won the football championship?", "documents"),
        ("写一首关于春天的诗", "文档中"),
    ],
)
def test_what_the_documents_do_not_hold_is_refused_in_the_language_of_the_question(
    engine: Engine, question: str, language: str
) -> None:
    answer = engine.ask(question)
    assert not answer.answerable and language in answer.text
    assert answer.citations == () and answer.reason in ("no_topic", "no_answer")
    assert 0 <= answer.confidence < 1


@pytest.mark.parametrize(
    ("question", "on_topic"),
    [
        ("青江大桥全长多少米?", True),
        ("青江大桥的油漆是什么颜色?", True),  # which no document says
        ("青江大桥全长多少米?火星上有水吗?", False),  # one of the two
        ("火星上有水吗?", False),
        ("Who won the football championship?", False),
        ("?", False),
    ],
)
def test_passages_on_the_topic_are_told_before_an_answer_is_looked_for(
    engine: Engine, question: str, on_topic: bool
) -> None:
    looked = engine.look(question)
    assert engine.on_topic(looked) is on_topic
    draft = engine.draft(looked)
    assert not (on_topic and draft.hopeless) and draft.answer.reason != ("no_topic" if on_topic else "no_answer")


def test_only_the_answer_tells_whether_there_is_more_to_say(tmp_path: Path) -> None:
    engine = Engine.open(tmp_path)
    engine.add([Document("one", "青江大桥全长2386米。")])
    history = [Turn("user", "青江大桥全长多少米?"), Turn("assistant", "青江大桥全长2386米。[1]")]
    assert engine.on_topic(engine.look(history[0].content))
    looked = engine.look("还有吗?", history=history)
    assert looked.query.said and engine.draft(looked).hopeless and not engine.on_topic(looked)
    engine.close()


def test_a_question_in_two_parts_gets_both(engine: Engine) -> None:
    answer = engine.ask("青江大桥全长多少米?总工程师是谁?")
    assert "2386米" in answer.text and "林致远" in answer.text
    assert_exact(engine, answer)


def test_a_follow_up_is_asked_of_what_was_talked_about(engine: Engine) -> None:
    history = [Turn("user", "青江大桥全长多少米?"), Turn("assistant", "大桥全长2386米。[1]")]
    answer = engine.ask("它的总工程师是谁?", history=history)
    assert answer.question_resolved == "青江大桥的总工程师是谁?"
    assert "林致远" in answer.text


def test_a_filter_leaves_only_what_it_names(engine: Engine) -> None:
    everywhere = engine.search("开放时间和茶园和大桥", top_k=10)
    assert {hit.document_id for hit in everywhere} == {"bridge", "tea", "library"}
    for filter, left in (
        (Filter(document_ids=frozenset({"tea"})), {"tea"}),
        (Filter(source="青江日报"), {"bridge"}),
        (Filter(published_from="2022-01-01"), {"tea"}),
        (Filter(published_to="2022-01-01"), {"bridge"}),
    ):
        assert {hit.document_id for hit in engine.search("开放时间和茶园和大桥", top_k=10, filter=filter)} == left
    assert not engine.ask("南屏市图书馆的馆长是谁?", filter=Filter(source="青江日报")).answerable


def test_passages_are_exact_spans_in_a_repeatable_order(engine: Engine) -> None:
    hits = engine.search("茶叶加工企业", top_k=3)
    assert hits[0].document_id == "tea"
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
    assert all(engine.document(h.document_id).text[h.start : h.end] == h.text and len(h.text) <= 500 for h in hits)
    assert hits == engine.search("茶叶加工企业", top_k=3)


def test_a_copy_counts_as_one_source_and_is_named(tmp_path: Path) -> None:
    engine = Engine.open(tmp_path)
    engine.add([BRIDGE, Document(id="reprint", title=BRIDGE.title, source="转载网", text=BRIDGE.text), ARTICLES[1]])
    answer = engine.ask("青江大桥全长多少米?")
    assert [(c.document_id, c.also) for c in answer.citations] == [("bridge", ("reprint",))]
    assert [h.document_id for h in engine.search("青江大桥全长")] == ["bridge", "tea"]
    engine.close()


def test_an_empty_library_refuses(tmp_path: Path) -> None:
    engine = Engine.open(tmp_path)
    answer = engine.ask("青江大桥全长多少米?")
    assert (answer.answerable, answer.reason, answer.confidence) == (False, "no_topic", 0.0)
    assert engine.search("大桥") == []
    assert (engine.stats().documents, engine.stats().chunks) == (0, 0)
    engine.close()


def test_a_build_takes_in_what_is_new_and_drops_what_is_gone(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    (seeds / "sub").mkdir(parents=True)
    (seeds / "bridge.txt").write_text(BRIDGE.text, encoding="utf-8")
    (seeds / "sub" / "tea.md").write_text(f"# {ARTICLES[1].text}", encoding="utf-8")
    (seeds / "broken.txt").write_bytes(b"\x00\xff\x00")
    (seeds / "image.png").write_bytes(b"png")
    engine = Engine.open(tmp_path / "vectors")
    seen: list[tuple[int, int]] = []
    first = engine.build(seeds, progress=lambda done, total: seen.append((done, total)))
    assert (first.added, [r.id for r in first.refused], seen[-1]) == (
        ["bridge.txt", "sub:tea.md"],
        ["broken.txt"],
        (3, 3),
    )
    again = engine.build(seeds)
    assert (again.added, again.unchanged, again.removed) == ([], ["bridge.txt", "sub:tea.md"], [])
    (seeds / "bridge.txt").write_text(BRIDGE.text.replace("2386米", "2400米"), encoding="utf-8")
    (seeds / "sub" / "tea.md").unlink()
    engine.add([ARTICLES[2]])
    third = engine.build(seeds)
    assert (third.added, third.removed) == (["bridge.txt"], ["sub:tea.md"])
    assert "2400米" in engine.ask("青江大桥全长多少米?").text
    assert not engine.ask("云岭县有多少家茶叶加工企业?").answerable
    assert engine.document("library").title == ARTICLES[2].title  # what did not come from a seed stays
    engine.close()


def test_nothing_is_embedded_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "bridge.txt").write_text(BRIDGE.text, encoding="utf-8")
    engine = Engine.open(tmp_path / "vectors")
    embedded: list[int] = []
    passages = engine._embedder.passages

    def counting(texts: list[str]) -> object:
        embedded.append(len(texts))
        return passages(texts)

    monkeypatch.setattr(engine._embedder, "passages", counting)
    engine.build(seeds)
    assert sum(embedded) == engine.stats().chunks
    embedded.clear()
    engine.build(seeds)
    assert sum(embedded) == 0
    engine.build(seeds, full=True)
    assert sum(embedded) == engine.stats().chunks
    engine.close()


def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    engine = Engine.open(tmp_path)
    engine.add(ARTICLES)
    before = engine.ask("青江大桥全长多少米?")
    engine.close()
    engine = Engine.open(tmp_path)
    after = engine.ask("青江大桥全长多少米?")
    assert (before.text, before.citations, before.confidence) == (after.text, after.citations, after.confidence)
    report = engine.add(ARTICLES)
    assert (report.added, report.unchanged) == ([], ["bridge", "tea", "library"])
    engine.close()


def test_another_model_is_noticed_and_a_build_mends_it(tmp_path: Path, other_model: Path) -> None:
    engine = Engine.open(tmp_path / "vectors")
    engine.add(ARTICLES)
    engine.close()
    with pytest.raises(IndexMismatch, match="rag build"):
        Engine.open(tmp_path / "vectors", model=str(other_model))
    engine = Engine.open(tmp_path / "vectors", model=str(other_model), rebuild=True)
    assert engine.stats().model.startswith(other_model.name)
    assert "2386米" in engine.ask("青江大桥全长多少米?").text
    engine.close()


def test_documents_are_listed_page_by_page(engine: Engine) -> None:
    first, cursor = engine.documents(limit=2)
    rest, end = engine.documents(cursor=cursor, limit=2)
    assert [d.id for d in [*first, *rest]] == ["bridge", "tea", "library"] and end is None
    assert all(d.text == "" and len(d.sha256) == 64 and d.chunks >= 1 and d.added for d in first)
    with pytest.raises(InvalidInput, match="cursor"):
        engine.documents(cursor="-1")
    with pytest.raises(NotFound, match="'nothing'"):
        engine.document("nothing")
    with pytest.raises(InvalidInput, match="no folder"):
        engine.build(Path("no-such-folder"))


def test_many_threads_ask_while_documents_are_written(tmp_path: Path) -> None:
    engine = Engine.open(tmp_path)
    engine.add(ARTICLES)
    failures: list[BaseException] = []
    stop = threading.Event()

    def asking() -> None:
        while not stop.is_set():
            try:
                assert "2386米" in engine.ask("青江大桥全长多少米?").text
            except BaseException as error:
                failures.append(error)
                return

    threads = [threading.Thread(target=asking) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(20):
        engine.add([Document(id="changing", title="公告", text=f"第{number}号公告:水位为{number}厘米。")])
        assert f"{number}厘米" in engine.search(f"第{number}号公告的水位")[0].text
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    engine.close()
