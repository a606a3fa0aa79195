"""Sentences said otherwise stay and changed ones go, on texts of our own; the rules that make them do what they say."""

import random
import re
from collections import defaultdict

import pytest

from benchmarks.falsehoods import mutations, pool
from benchmarks.mutations import Item, kept, made, table
from benchmarks.rewording import numerals, reword
from benchmarks.wording import han
from rag.text import fold
from rag.types import Document

_TOWNS = "青江 白沙 柳林 石门 云岭 南屏 东湖 西坪 北渡 桃溪 竹山 松岗 梅村 兰溪 菊园 荷塘".split()
_PEOPLE = "李建国 王秀英 张志强 刘桂兰 陈文华 杨光明 赵德海 周丽萍".split()
_PLACES = "上海 北京 广州 武汉 成都 西安 南京 杭州".split()


def document(number: int) -> Document:
    town, person, place = _TOWNS[number % 16], _PEOPLE[number % 8], _PLACES[(number * 3) % 8]
    text = (
        f"{town}大桥于{1950 + number}年{1 + number % 12}月{1 + number % 27}日建成,全长{310 + 17 * number}米。"
        f"大桥由{person}负责设计,{person}曾在{place}工作{5 + number}年。"
        f"目前每天约有{(12 + number) * 1000}辆汽车通过,比上年增长{6 + number}%。"
        f"{town}大桥没有设置收费站,货车不得在夜间通行。"
        f"桥头的博物馆位于{town}河北岸,馆内有{40 + number}个展厅,收藏文物{2300 + number * 10}件。"
        f"博物馆已经获得国家一级馆的称号,每周一闭馆。"
    )
    return Document(f"t{number}", text, f"{town}大桥")


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return made([document(number) for number in range(48)], 40, 5)


def test_the_checker_tells_them_apart(items: list[Item]) -> None:
    dropped: dict[str, list[bool]] = defaultdict(list)
    for item in items:
        dropped["true"].append(not kept(item.said, item.passage)[0])
        for change in item.changed:
            dropped[change.kind].append(not kept(change.text, item.passage)[0])
    share = {kind: sum(found) / len(found) for kind, found in dropped.items()}
    assert share["true"] <= 0.05, share
    assert min(share["number"], share["date"], share["name"]) >= 0.95 and share["negation"] >= 0.8, share
    assert "| true" in table(items[:3])


def test_none_stands_in_its_passage(items: list[Item]) -> None:
    assert len(items) >= 30
    for item in items:
        assert fold(item.said) not in fold(item.passage.text)
        assert all(change.text != item.said for change in item.changed)


def test_numerals_say_the_same() -> None:
    rng = random.Random(1)
    said = numerals("2024年3月5日,12,000人来了,占30%,共115项。", rng)
    assert said.startswith("二〇二四年三月五日,") and "百分之三十" in said and "一百一十五项" in said
    assert [han(n) for n in (0, 10, 15, 20, 105, 110, 1002, 12_000, 100_010, 10**8)] == (
        "零 十 十五 二十 一百零五 一百一十 一千零二 一万二千 十万零一十 一亿".split()
    )


def test_a_change_is_what_it_says() -> None:
    rng = random.Random(2)
    names = pool([document(number).text for number in range(8)])
    text = document(3).text
    for sentence in re.findall("[^。]+。", text):
        said = reword(sentence, "", text, rng)
        for change in mutations(said, text, names, rng) if said else ():
            assert change.old != change.new and change.text != said
