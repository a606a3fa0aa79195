import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text import clauses, fold, sentences

TEXTS = st.text(
    st.one_of(
        st.sampled_from("成渝科学城。！？!?…；;，,：:.“”‘’「」《》（）()[]\"' \t\n\r\u3000\xa0\u2028ab1"),
        st.characters(),
    )
)


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


def parts(text: str) -> list[str]:
    return [text[start:end] for start, end in clauses(text, 0, len(text))]


@given(st.text())
def test_fold_keeps_every_offset(text: str) -> None:
    assert len(fold(text)) == len(text)


def test_fold_makes_traditional_width_and_case_agree() -> None:
    assert fold("臺灣重慶") == fold("台湾重庆") == "台湾重庆"
    assert fold("ＡＢＣ１２３，！") == "abc123,!"
    assert fold("\u3000") == " "


def test_fold_leaves_what_has_no_single_form() -> None:
    assert fold("℃…İ") == "℃…İ"


@given(TEXTS)
def test_sentences_cover_the_text_in_order_and_are_trimmed(text: str) -> None:
    spans = sentences(text)
    at = 0
    for start, end in spans:
        assert at <= start < end
        assert text[start:end] == text[start:end].strip()
        assert not text[at:start].strip()
        assert len(text[start:end].splitlines()) == 1
        at = end
    assert not text[at:].strip()


@given(TEXTS, st.integers(0, 30), st.integers(0, 30))
def test_sentences_of_a_part_stay_in_it(text: str, start: int, end: int) -> None:
    for left, right in sentences(text, start, end):
        assert start <= left < right <= min(end, len(text))


@given(TEXTS)
def test_clauses_adjoin_and_cover_their_sentence(text: str) -> None:
    for start, end in sentences(text):
        spans = clauses(text, start, end)
        assert [left for left, _ in spans] == [start, *(right for _, right in spans[:-1])]
        assert spans[-1][1] == end


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("取得突破。联合实施115项!还有呢？有", ["取得突破。", "联合实施115项!", "还有呢？", "有"]),
        ("他说：“好。”然后走了。", ["他说：“好。”", "然后走了。"]),
        ("打出“走出去！”的口号。完", ["打出“走出去！”的口号。", "完"]),
        ("问“为何？”，答“不知。”", ["问“为何？”，答“不知。”"]),
        ("读《怎么办？去哪里！》一书。好", ["读《怎么办？去哪里！》一书。", "好"]),
        ("《没有关上。下一句。", ["《没有关上。", "下一句。"]),
        ("（见附件。）如下", ["（见附件。）如下"]),
        ("他走了……没有回来。", ["他走了……", "没有回来。"]),
        (
            "增长3.5%. Next one. U.S. firms and Mr. Li agree.",
            ["增长3.5%.", "Next one.", "U.S. firms and Mr. Li agree."],
        ),
        ("see http://a.cn/?q=1&b=2 for more", ["see http://a.cn/?q=1&b=2 for more"]),
        ('"你好!"他说.', ['"你好!"', "他说."]),
        ("建成。[12]随后", ["建成。[12]", "随后"]),
        ("支持布局;突破瓶颈；完", ["支持布局;突破瓶颈；完"]),
        ("1. 第一条\n2. 第二条", ["1. 第一条", "2. 第二条"]),
        ("一行\r\n\r\n  二行\u2028三行", ["一行", "二行", "三行"]),
        ("！！", ["！！"]),
        (" \n ", []),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("聚焦软件,突破瓶颈;支持布局：完成", ["聚焦软件,", "突破瓶颈;", "支持布局：", "完成"]),
        ("共1,000人，12:30开始", ["共1,000人，", "12:30开始"]),
        ("签署《关于甲，乙的协议》，完成", ["签署《关于甲，乙的协议》，", "完成"]),
        ("他说“好，去吧”，走了", ["他说“好，去吧”，", "走了"]),
        ("未关“好，去吧", ["未关“好，", "去吧"]),
    ],
)
def test_clauses_are_cut_outside_quotes_titles_and_numbers(text: str, expected: list[str]) -> None:
    assert parts(text) == expected


@pytest.mark.parametrize("unit", ["字", "《", "“，", '"', "(.", "! ", "a. ", "。”", "\n"])
def test_a_megabyte_of_anything_takes_linear_time(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    begun = time.process_time()
    sentences(text)
    clauses(text, 0, len(text))
    assert time.process_time() - begun < 10
