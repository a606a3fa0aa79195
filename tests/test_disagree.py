"""Documents that disagree are both cited, the newer first; those that agree, or speak of something else, are not."""

from pathlib import Path

import pytest

from rag.engine import Engine
from rag.types import Answer, Document

OLD = "云岭县茶叶产业调查完成。全县共有茶叶加工企业146家。县农业农村局说,茶园面积还在扩大。"
NEW = "云岭县茶叶产业再上台阶。全县共有茶叶加工企业171家。县里将建设新的交易市场。"
OTHER = "青江县水果产业调查完成。全县共有水果加工企业88家。县里将建设冷库。"


def ask(path: Path, question: str, *documents: Document) -> Answer:
    engine = Engine.open(path)
    try:
        engine.add(documents)
        return engine.ask(question)
    finally:
        engine.close()


@pytest.mark.parametrize(
    ("question", "line"),
    [
        ("云岭县全县共有多少家茶叶加工企业?", "各文档说法不同，较新的在前："),
        ("雲嶺縣全縣共有多少家茶葉加工企業?", "各文件說法不同，較新的在前："),
    ],
)
def test_both_are_said_the_newer_first(tmp_path: Path, question: str, line: str) -> None:
    old = Document("old", OLD, title="茶叶产业调查", published="2021-05-06")
    new = Document("new", NEW, title="茶叶产业再上台阶", published="2024-05-06")
    answer = ask(tmp_path, question, old, new)
    assert answer.text.startswith(line + "\n") and "".join(answer.pieces) == answer.text
    assert [c.document_id for c in answer.citations] == ["new", "old"]
    assert "171家" in answer.citations[0].quote and "146家" in answer.citations[1].quote
    for citation in answer.citations:
        assert citation.supports and all(citation.quote in answer.pieces[i] for i in citation.supports)


def test_what_agrees_or_speaks_of_something_else_is_said_once(tmp_path: Path) -> None:
    documents = [
        Document("old", OLD, title="茶叶产业调查", published="2021-05-06"),
        Document("again", NEW.replace("171", "146"), title="茶叶产业再上台阶", published="2024-05-06"),
        Document("other", OTHER, title="水果产业调查", published="2024-05-07"),
    ]
    answer = ask(tmp_path, "云岭县全县共有多少家茶叶加工企业?", *documents)
    assert answer.answerable and "146家" in answer.text and "说法不同" not in answer.text
    assert "other" not in {c.document_id for c in answer.citations}


@pytest.mark.parametrize(
    ("question", "first", "second", "disagree"),
    [
        ("西山水库哪一年开工?", "西山水库于2019年开工建设。", "西山水库于2021年3月开工建设。", True),
        ("西山水库哪一年开工?", "西山水库于2019年3月开工建设。", "西山水库于2019年开工建设。", False),
        ("西山水库总投资多少?", "西山水库总投资21.5亿元。", "西山水库总投资23亿元。", True),
        ("西山水库总投资多少?", "西山水库总投资21.5亿元。", "西山水库总投资21.5亿元,占地3000亩。", False),
        ("西山水库移民多少人?", "西山水库移民1.2万人。", "西山水库移民12,000人。", False),
        ("西山水库移民多少人?", "西山水库移民1.2万人。", "西山水库移民12余人。", False),
        ("西山水库移民多少人?", "西山水库移民1.2万人。", "西山水库移民1.5万人。", True),
        ("2015年西山水库移民多少人?", "2015年西山水库移民15人。", "2015年西山水库移民21人。", True),
    ],
)
def test_values_are_compared_part_by_part(
    tmp_path: Path, question: str, first: str, second: str, disagree: bool
) -> None:
    documents = [
        Document("a", f"{first}水库建成后可以灌溉下游农田。", title="西山水库", published="2022-01-01"),
        Document("b", f"{second}水利厅的专家到现场调研。", title="西山水库调研", published="2023-01-01"),
    ]
    answer = ask(tmp_path, question, *documents)
    assert answer.answerable
    assert answer.text.startswith("各文档说法不同") is disagree
    if disagree:
        assert [c.document_id for c in answer.citations] == ["b", "a"]


def test_the_line_stands_before_the_part_that_documents_disagree_on(tmp_path: Path) -> None:
    documents = [
        Document("old", OLD, title="茶叶产业调查", published="2021-05-06"),
        Document("new", NEW, title="茶叶产业再上台阶", published="2024-05-06"),
        Document("bridge", "青江大桥全长2386米。大桥由青江大学设计。", title="青江大桥通车"),
    ]
    answer = ask(tmp_path, "青江大桥全长多少米?云岭县全县共有多少家茶叶加工企业?", *documents)
    assert [c.document_id for c in answer.citations] == ["bridge", "new", "old"]
    assert "".join(answer.pieces) == answer.text
    line = next(i for i, piece in enumerate(answer.pieces) if "说法不同" in piece)
    assert max(answer.citations[0].supports) < line < min(answer.citations[1].supports)
    for citation in answer.citations:
        assert all(citation.quote in answer.pieces[i] for i in citation.supports)
