"""Questions about a document itself, over articles that are signed in different ways."""

import pytest
from articles import BRIDGE, LIBRARY

from rag.answering.metadata_questions import about_document
from rag.types import Document, Hit

SIGNED = Document(
    id="signed",
    title="青江渔港开港",
    source="海港周刊",
    published="2022-04-16",
    text=(
        "青江渔港开港\n\n2022年4月16日 来源:海港周刊\n\n"
        "青江渔港码头。陆海 摄\n\n渔民在晾晒渔网。特约摄影 程远 供图\n\n"
        "4月15日,青江渔港开港,首批三十条渔船返航。市长表示,记者招待会将在月底举行。\n\n"
        "本报记者/沈清 通讯员/韩冬\n责任编辑:顾城 校对:叶秋\n终审:白露"
    ),
)
UNSIGNED = Document(id="unsigned", title="渔讯", text="渔讯\n\n四月渔获增加两成。码头新建冷库一座。")


def hit(document: Document) -> Hit:
    end = len(document.text)
    return Hit(document.id, document.id, document.title, None, None, None, document.text, 0, end, 1.0, 1.0, 1.0)


def said(question: str, *documents: Document) -> list[str] | None:
    found = about_document(question, [hit(d) for d in documents], {d.id: d for d in documents})
    return None if found is None else [unit.text for unit in found]


@pytest.mark.parametrize(
    ("question", "line"),
    [
        ("这篇文章的记者是谁?", "本报记者/沈清 通讯员/韩冬"),
        ("谁写的这篇报道?", "本报记者/沈清 通讯员/韩冬"),
        ("本文的责任编辑是哪位?", "责任编辑:顾城 校对:叶秋"),
        ("校对是谁?", "责任编辑:顾城 校对:叶秋"),
        ("這篇稿子由誰審核?", "终审:白露"),
        ("這篇報導的記者是誰?", "本报记者/沈清 通讯员/韩冬"),
        ("这篇稿子的审核人是谁?", "终审:白露"),
        ("文章出自哪家媒体?", "2022年4月16日 来源:海港周刊"),
        ("这篇文章是什么时候发布的?", "2022年4月16日 来源:海港周刊"),
        ("这篇报道的标题是什么?", "青江渔港开港"),
        ("码头的照片是谁拍的?", "青江渔港码头。陆海 摄"),
        ("晾晒渔网的图片由谁拍摄?", "渔民在晾晒渔网。特约摄影 程远 供图"),
        ("程远拍的是什么?", "渔民在晾晒渔网。特约摄影 程远 供图"),
        ("Who is the editor of this article?", "责任编辑:顾城 校对:叶秋"),
    ],
)
def test_the_line_that_says_it_is_found(question: str, line: str) -> None:
    assert said(question, SIGNED) == [line]


@pytest.mark.parametrize(
    "question",
    [
        "青江渔港什么时候开港?",
        "首批有多少条渔船返航?",
        "记者招待会什么时候举行?",
        "灯塔的照片是谁拍的?",
        "编辑部在哪里?",
        "市长是谁?",
    ],
)
def test_other_questions_are_left_to_the_sentences(question: str) -> None:
    assert said(question, SIGNED) is None


def test_what_no_line_says_is_known_to_be_missing_of_one_document_only() -> None:
    assert said("这篇文章的记者是谁?", UNSIGNED) == []
    assert said("这篇文章是哪天发表的?", BRIDGE) == []
    assert said("这篇文章的记者是谁?", UNSIGNED, LIBRARY) is None


def test_without_captions_the_byline_names_the_photographer() -> None:
    assert said("这篇报道的摄影是谁?", BRIDGE) == ["记者:何雨 摄影:田野"]


def test_of_several_documents_the_one_that_is_named_counts() -> None:
    assert said("青江大桥这篇报道的记者是谁?", SIGNED, BRIDGE) == ["记者:何雨 摄影:田野"]
