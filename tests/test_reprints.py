"""Reprints by a second, plain way of counting; what folding drops and what it must not; sketches against the truth."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.index.sketches import BANDS, LIKELY, Sketches
from rag.reprints import SAME, SHINGLE, SHORT, WIDTH, features, holds, similarity, sketch

ARTICLE = (
    "云岭县茶叶产业调查结果日前公布。调查显示，全县共有茶叶加工企业146家，比上一年增加12家，从业人员达到3.2万人。"
    "县农业农村局负责人介绍，今年春茶采摘面积为18.5万亩，预计产量6200吨，产值有望超过9亿元。"
    "近年来，当地引导农户改种良种，推广机械采摘，把闲置的老厂房改成了加工车间，山上的道路也修到了茶园边上。"
    "在河口镇，茶农李大山告诉记者，去年他家的鲜叶卖了四万多元，今年打算再包下邻居的十亩茶园。"
)
LAST = "下一步，云岭县还要建设茶叶交易市场，让外地的客商在家门口就能看样、谈价、发货，茶农不必再挑着担子走远路。"
TRADITIONAL = (
    "雲嶺縣茶葉產業調查結果日前公佈。調查顯示，全縣共有茶葉加工企業146家，比上一年增加12家，從業人員達到3.2萬人。"
    "縣農業農村局負責人介紹，今年春茶採摘面積為18.5萬畝，預計產量6200噸，產值有望超過9億元。"
    "近年來，當地引導農戶改種良種，推廣機械採摘，把閒置的老廠房改成了加工車間，山上的道路也修到了茶園邊上。"
    "在河口鎮，茶農李大山告訴記者，去年他家的鮮葉賣了四萬多元，今年打算再包下鄰居的十畝茶園。"
)
QUOTE = "调查显示，全县共有茶叶加工企业146家，比上一年增加12家，从业人员达到3.2万人。"
GOLDEN = [103, 142, 145, 101, 29, 169, 243, 54]  # stored with generations: must never change under one name
SAID = "茶园 山水 河口 田地 桥 路 工厂 学校 增加 公布 调查 记者".split()
WORDS = st.lists(st.sampled_from([*SAID, "，", "。", "“"]))


def paired(table: Sketches) -> set[tuple[int, int]]:
    return {pair for a, b in table.pairs() for pair in zip(a.tolist(), b.tolist(), strict=True)}


@pytest.mark.parametrize(
    "reprint",
    [
        f"春茶丰收在望\n本报讯（记者王小河）{ARTICLE}（完）",
        f"{ARTICLE}\n{LAST}",
        ARTICLE.replace("，", ",").replace("。", ". "),
        "".join(f"{c} " if c == "。" else c for c in ARTICLE).replace("146", "１４６"),
        TRADITIONAL,
        ARTICLE.replace("日前公布", "今天公布").replace("负责人", "有关负责人"),
        f"{ARTICLE}\n更多内容：https://example.org/news/20260812/4711.html",
        ARTICLE.replace("6200吨", "6,200吨").replace("18.5万", "18.50万"),
    ],
)
def test_small_changes_leave_an_article_the_same(reprint: str) -> None:
    assert SAME <= similarity(ARTICLE, reprint) == similarity(reprint, ARTICLE) <= 1
    assert np.mean(sketch([ARTICLE]) == sketch([reprint])) >= LIKELY
    assert paired(Sketches.build(sketch([ARTICLE, LAST * 3, reprint]))) == {(0, 2)}


@pytest.mark.parametrize(
    ("said", "other"),
    [("146家", "171家"), ("3.2万", "32万"), ("18.5万", "-18.5万"), ("四万多", "五万多"), ("6200", "620")],
)
def test_another_number_makes_another_article(said: str, other: str) -> None:
    assert similarity(ARTICLE, ARTICLE.replace(said, other)) == 0


def test_forms_that_are_filled_in_are_many_articles() -> None:
    form = (
        "{day}日福彩开奖结果公布，红球号码为{a}、{b}、{c}、{d}，蓝球号码为{e}，全国共中出一等奖{f}注，单注奖金{g}万元。"
    )
    form += "本期销售总额为{h}亿元，奖池滚入下期，中奖者可以在六十天之内持票到各地的福彩中心兑奖，逾期作弃奖处理。"
    rng = np.random.default_rng(3)
    drawn = [form.format(day=d, **dict(zip("abcdefgh", rng.integers(10, 99, 8), strict=True))) for d in range(1, 9)]
    assert {similarity(a, b) for a in drawn for b in drawn if a != b} == {0}
    assert similarity(drawn[0], f"号外！{drawn[0]}") >= SAME


def test_a_number_that_only_one_text_gives_contradicts_nothing() -> None:
    assert similarity(ARTICLE, f"{ARTICLE}{LAST}报名电话：4711。") >= SAME
    assert similarity(ARTICLE, ARTICLE.replace("比上一年增加12家，", "")) >= SAME


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2026年8月5日", "8月5日", True),
        ("2026年8月5日", "5日", True),
        ("2026年08月05日", "8月5号", True),
        ("8月5日", "8月", True),
        ("8月5日", "9月5日", False),
        ("2026年8月5日", "2025年8月5日", False),
        ("8 月 5 日", "8月5日", True),
        ("8月5日", "8月15日", False),
    ],
)
def test_a_date_agrees_with_a_part_of_it(one: str, other: str, same: bool) -> None:
    texts = [f"据新华社报道，{day}{ARTICLE}" for day in (one, other)]
    assert (similarity(*texts) > 0) is same


def test_short_texts_are_the_same_where_they_are_equal_after_folding() -> None:
    assert similarity("水位是3米。", "水位是３米。") == 1
    assert similarity("水位 是3米。", "水位是3米。") == 1
    assert similarity("雲嶺縣有茶園。", "云岭县有茶园。") == 1
    assert similarity("水位是3米。", "水位是3米了。") == 0
    assert similarity("水位是1.5米", "水位是15米") == 0
    assert similarity("。。。", "！！！") == 0 and similarity("。。。", "。。。") == 1
    long = "茶" * SHORT
    assert similarity(long[1:], long) == 0  # one is short


@given(st.text(max_size=200), st.text(max_size=200))
def test_similarity_is_symmetric_and_one_for_a_text_itself(a: str, b: str) -> None:
    assert similarity(a, a) == 1
    assert 0 <= similarity(a, b) == similarity(b, a) <= 1
    assert sketch([a, b]).shape == (2, WIDTH)


@given(WORDS, WORDS, st.lists(st.sampled_from(sorted(SAID)), min_size=30))
def test_similarity_is_what_a_plain_count_gives(a: list[str], b: list[str], both: list[str]) -> None:
    x, y = (
        {letters[i : i + SHINGLE] for i in range(len(letters) - SHINGLE + 1)}
        for letters in (re.sub(r"[\W_]", "", "".join(words)) for words in (a + both * 2, both * 2 + b))
    )
    assert similarity("".join(a + both * 2), "".join(both * 2 + b)) == pytest.approx(len(x & y) / len(x | y))


def test_a_text_holds_a_passage_word_for_word_or_most_of_a_long_one() -> None:
    assert holds(ARTICLE, QUOTE) and holds(TRADITIONAL, QUOTE)
    assert holds(f"{ARTICLE}{LAST}", LAST) and not holds(ARTICLE, LAST)
    assert holds(ARTICLE, ARTICLE[:150].replace("日前公布", "今天公布"))
    assert not holds(ARTICLE, QUOTE.replace("146", "171"))
    assert not holds(ARTICLE, ARTICLE[:150].replace("146", "171"))
    assert not holds(ARTICLE, "茶园面积还在扩大。") and not holds(ARTICLE, "")
    assert holds("水位是3米。今天有雨。", "水位是3米") and not holds("水位是3米。今天有雨。", "水位是5米")
    assert not holds("共有115家企业。", "15家企业") and holds("共有115家企业，15家企业外迁。", "15家企业")
    assert not holds("增长1.50%", "增长1.5亿") and not holds("第十五家企业", "五家企业")
    assert holds("（图）", "（图）") and not holds("（图）", "！")


def test_a_sketch_is_the_same_in_every_process_and_for_any_company() -> None:
    first = sketch([ARTICLE])
    assert first.dtype == np.uint8 and first[0, :8].tolist() == GOLDEN
    np.testing.assert_array_equal(sketch(["水", ARTICLE, LAST])[1:2], first)
    np.testing.assert_array_equal(sketch([TRADITIONAL]), first)
    code = f"from rag.reprints import sketch; print(sketch([{ARTICLE!r}])[0].tolist())"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1],
        env={"PYTHONHASHSEED": "7", "PYTHONUTF8": "1", "PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    assert done.stdout.strip() == str(first[0].tolist())


def changed(rng: np.random.Generator, text: str, times: int) -> str:
    letters = list(text)
    for place in rng.integers(0, len(letters), times):
        letters[place] = chr(int(rng.integers(0x4E00, 0x9FA5)))
    return "".join(letters)


def test_sketches_estimate_the_true_similarity_and_miss_next_to_none() -> None:
    rng = np.random.default_rng(1)
    texts = ["".join(chr(c) for c in rng.integers(0x4E00, 0x9FA5, 600)) for _ in range(150)]
    others = [changed(rng, text, int(times)) for text, times in zip(texts, rng.integers(0, 90, 150), strict=True)]
    rows = sketch(texts + others)
    table = Sketches.build(rows)
    true = np.array([similarity(a, b) for a, b in zip(texts, others, strict=True)])
    a, b = (set(map(int, features(t))) for t in (texts[0], others[0]))
    assert true[0] == pytest.approx(len(a & b) / len(a | b))
    error = (rows[:150] == rows[150:]).mean(axis=1) - true
    assert abs(error.mean()) < 0.02 and error.std() < 0.07
    which, documents, alike = table.near(rows[:150])
    near = set(zip(which.tolist(), documents.tolist(), strict=True))
    assert (alike >= LIKELY).all()
    same = {i for i in range(150) if true[i] >= SAME}
    assert len(same) > 60 and len({i for i in same if (i, i + 150) in near}) >= len(same) - 2
    assert {i for i in range(150) if (i, i) not in near} == set()
    assert all(document in (i, i + 150) for i, document in near)
    assert paired(table) == {(i, document) for i, document in near if document != i}


def test_a_table_of_parts_is_the_table_of_what_was_kept() -> None:
    rng = np.random.default_rng(2)
    rows = rng.integers(0, 256, (7, WIDTH), np.uint8)
    kept = np.array([True, False, True, True])
    merged = Sketches.merge([Sketches.build(rows[:4]), Sketches.build(rows[4:])], [kept, np.ones(3, np.bool_)])
    whole = Sketches.build(np.delete(rows, 1, axis=0))
    for name in ("rows", "bands", "holders"):
        np.testing.assert_array_equal(getattr(merged, name), getattr(whole, name))
    assert len(whole.bands) == 6 * BANDS and (np.diff(whole.bands.astype(np.int64)) >= 0).all()


def test_nothing_is_near_in_an_empty_table() -> None:
    empty = Sketches.build(np.empty((0, WIDTH), np.uint8))
    assert [len(found) for found in empty.near(sketch([ARTICLE]))] == [0, 0, 0]
    assert [len(found) for found in Sketches.build(sketch([ARTICLE])).near(sketch([]))] == [0, 0, 0]
    assert paired(empty) == set()
