"""Which sentences are said where the reader found a span: whole, short, and never a heading or a question alone."""

import pytest

from rag.answering.sentence_selection import LONGEST, select_statements
from rag.types import Document


def say(text: str, span: str, *, title: str = "", passage: tuple[int, int] | None = None, whole: bool = False) -> str:
    """Return what is said where ``span`` of the text answers; line breaks between statements."""
    document = Document("d", text, title=title)
    start = text.index(span)
    found = select_statements(document, passage or (0, len(text)), (start, start + len(span)), 0, 0.9, whole=whole)
    for statement in found:
        for excerpt in statement.excerpts:
            assert text[excerpt.start : excerpt.end] == excerpt.text
            assert excerpt.sentence[0] <= excerpt.start < excerpt.end <= excerpt.sentence[1]
        assert statement.excerpts[-1].end - statement.excerpts[0].start <= 300
    return "\n".join("".join(e.say() for e in statement.excerpts) for statement in found)


def test_the_sentence_that_holds_the_span_is_said_and_nothing_beside_it() -> None:
    text = "大桥于2019年动工。全长2386米,主跨720米。设计时速80公里。"
    assert say(text, "720米") == "全长2386米,主跨720米。"
    assert say(text, "2386米,主跨720米。设计时速80") == "全长2386米,主跨720米。设计时速80公里。"


@pytest.mark.parametrize(
    ("before", "sentence", "joined"),
    [
        ("周敏生于1970年。", "她于2015年出任馆长。", True),
        ("大桥于2019年动工。", "同年,两岸的引桥开始施工。", True),
        ("大桥于2019年动工。", "其他桥梁也在施工。", False),
        ("大桥于2019年动工。", "两岸的引桥同时施工。", False),
        ("大桥" * 80 + "动工。", "该桥全长2386米。", False),  # too long for both
    ],
)
def test_a_sentence_that_points_back_is_said_with_the_one_before(before: str, sentence: str, joined: bool) -> None:
    text = f"项目建设顺利。{before}{sentence}"
    assert say(text, sentence[:-1]) == (before + sentence if joined else sentence)
    assert say(f"{before}\n{sentence}", sentence[:-1]) == sentence  # another paragraph is no help
    found = (text.index(sentence), len(text))
    assert say(text, sentence[:-1], passage=found) == sentence  # what was not found is not cited


def test_a_long_sentence_is_cut_to_the_clauses_around_the_span() -> None:
    clause = "第{}期工程建成了三座水厂和两座泵站,"
    text = "".join(clause.format(i) for i in range(12)) + "全部投入使用。"
    said = say(text, "第6期")
    assert said.startswith("…第") and said.endswith("泵站…") and "第6期" in said
    assert len(said) <= LONGEST + 2
    assert say(text, "第0期").startswith("第0期") and say(text, "全部").endswith("投入使用。")
    assert say(text, "第6期", whole=True) == text  # a list was asked for
    unbroken = "无" * 700
    assert len(say(unbroken + "。", unbroken[:5])) <= 302


@pytest.mark.parametrize(
    ("text", "span", "said"),
    [
        (
            "押金\n押金为两个月租金,合同期满后十五日内退还给承租人,逾期按日计息,双方另有约定的从其约定。",
            "押金",
            "押金为",
        ),
        ("# 退货\n商品签收七日内可以退货。", "退货", "商品签收七日内可以退货。"),
        ("能带宠物吗?\n不能带宠物,导盲犬除外。", "能带宠物吗", "不能带宠物,导盲犬除外。"),
        ("Q1:几点开门\n早上九点开门。", "几点开门", "早上九点开门。"),
    ],
)
def test_a_heading_or_a_question_is_no_answer_what_follows_it_is(text: str, span: str, said: str) -> None:
    assert say(text, span).startswith(said)


def test_a_title_alone_says_nothing() -> None:
    assert say("青江大桥建成通车\n", "青江大桥", title="青江大桥建成通车") == ""
    assert say("这里是?\n那里是?\n", "这里", passage=(0, 4)) == "这里是?"  # nothing follows that could be said instead


def test_a_list_that_is_announced_comes_with_its_lines() -> None:
    text = "县里今年要办以下几件实事:\n1. 新建两所小学。\n2. 改造三座桥梁。\n3. 开通四条公交线路。\n\n资金已到位。"
    said = say(text, "几件实事")
    assert "小学" in said and "公交" in said and "资金" not in said
    assert say(text, "三座桥梁") == "2. 改造三座桥梁。"
    table = "| 班 | 人数 |\n|---|---|\n| 甲班 | 30 |\n| 乙班 | 28 |\n\n另有一名老师。"
    said = say(table, "人数")
    assert "甲班" in said and "乙班" in said and "老师" not in said
    assert say(table, "28") == "| 乙班 | 28 |"
