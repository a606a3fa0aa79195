"""Terms of passages and of queries."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.analyze import ANALYZER, analyze, query_terms, query_words


def test_chinese_gives_words_characters_and_pairs() -> None:
    assert Counter(analyze("科技创新")) == Counter(["科", "技", "创", "新", "科技", "技创", "创新", "科技", "创新"])


def test_words_longer_than_a_pair_are_terms() -> None:
    assert "核心技术" in analyze("联合实施攻关核心技术项目")


def test_pairs_do_not_cross_punctuation_or_line_breaks() -> None:
    for text in ("重庆，四川", "重庆。四川", "重庆 四川", "重庆\n四川", "重庆《四川》"):
        assert "庆四" not in analyze(text)


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("“1+6”政策体系", "1+6"),
        ("联合实施115项", "115"),
        ("自2022年6月揭牌", "2022"),
        ("人均GDP增长", "gdp"),
        ("ＧＤＰ增长２０２２年", "2022"),
        ("营收2,879亿元", "2879"),
        ("营收2,879亿元", "879"),
        ("COVID-19疫情", "covid"),
        ("iPhone14发布", "iphone"),
        ("增长5.6%", "5.6"),
    ],
)
def test_latin_words_and_numbers_are_found_whole(text: str, term: str) -> None:
    assert term in analyze(text)
    assert term in query_terms(term)


def test_a_number_goes_with_the_character_after_it() -> None:
    assert "115项" in analyze("项目115项")
    assert "8月" in analyze("8 月 16 日")
    assert "115项" not in analyze("115，项目") + analyze("A115\n项目")


def test_traditional_full_width_and_capital_text_gives_the_same_terms() -> None:
    assert analyze("歐洲語言學ＧＤＰ") == analyze("欧洲语言学gdp")
    assert query_terms("歐洲語言學是誰創立的？") == query_terms("欧洲语言学是谁创立的?")


@pytest.mark.parametrize(
    ("question", "left"),
    [
        ("金凤实验室是什么时候揭牌投用的?", "金凤实验室，揭牌投用"),
        ("请问金凤实验室何时揭牌投用吗？", "金凤实验室，揭牌投用"),
        ("金凤实验室在哪里揭牌投用呢", "金凤实验室，揭牌投用"),
        ("谁让金凤实验室揭牌投用了", "金凤实验室揭牌投用"),
        ("為什麼金鳳實驗室揭牌投用？", "金凤实验室揭牌投用"),
        ("请问有几个项目", "项目"),
    ],
)
def test_question_words_and_stop_words_leave_a_query(question: str, left: str) -> None:
    assert query_terms(question) == analyze(left)


def test_stop_words_stay_in_passages() -> None:
    assert {"的", "什么", "是"} <= set(analyze("这是什么的问题"))


def test_characters_of_question_words_stay_where_they_are_part_of_a_word() -> None:
    assert "几何" in query_terms("几何学的历史")
    assert "目的" in query_terms("代表团的目的")
    assert "任何" in query_terms("任何时候")


def test_a_query_of_stop_words_alone_keeps_them() -> None:
    assert query_terms("什么是什么?") == analyze("什么是什么?") != []
    assert query_terms("谁") == ["谁"]
    assert query_terms("who is it?") == ["who", "is", "it"]


def test_english_stop_words_leave_english_questions_only() -> None:
    assert query_terms("What is the GDP of Chongqing?") == ["gdp", "chongqing"]
    assert "who" in query_terms("WHO的总部在哪里?")


@pytest.mark.parametrize("text", ["", " \n", "？！…", "《》", "\ud800", "\x00"])
def test_text_without_letters_has_no_terms(text: str) -> None:
    assert analyze(text) == query_terms(text) == []


@given(st.text())
def test_any_text_gives_terms_that_are_not_empty(text: str) -> None:
    assert all(analyze(text))
    assert set(query_terms(text)) <= set(analyze(text)) | set(analyze(" ".join(query_terms(text))))


@given(
    st.text(st.sampled_from("成渝地区双城经济圈 ，。1+6aB"), max_size=12),
    st.text(st.sampled_from("重庆，1a"), max_size=8),
)
def test_paragraphs_are_analysed_apart(one: str, other: str) -> None:
    assert analyze(one + "\n" + other) == analyze(one) + analyze(other)


def test_the_analyzer_is_named() -> None:
    assert ANALYZER.isascii() and ANALYZER.strip()


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("哪一條河的水最深?", ["河", "水", "最深"]),
        ("南屏在哪邊?", ["南屏"]),
        ("南屏有甚麼湖?", ["南屏", "湖"]),
        ("書院出版了幾部書?", ["书院", "出版", "书"]),
        ("哪部分湖面最深?", ["部分", "湖面", "最深"]),
        ("谁写了《哪吒》?", ["写", "哪咤"]),
        ("几何学的书有几本?", ["几何学", "书"]),
    ],
)
def test_question_words_are_taken_whole(question: str, words: list[str]) -> None:
    assert query_words(question) == words
