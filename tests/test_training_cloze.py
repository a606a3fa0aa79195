"""Questions made from statements: the passage holds the answer, the question does not; and questions in other words."""

import json
import lzma
import random
from pathlib import Path
from typing import Any

import pytest

from rag.answer.rarity import rarity
from rag.embed import SHIPPED, StaticEmbedder
from training.cloze import Cloze, clozes
from training.noise import Neighbours, blurred, mistyped

ABSTRACT = (
    "为了解高原湖泊浮游植物的变化,对青云湖进行了三年监测。结果表明,夏季蓝藻的生物量占浮游植物总量的63.5%。"
    "氮和磷的输入是蓝藻水华形成的主要原因。"
)
END = "相关工作得到了多个部门的支持,今后还将继续开展。"
PARAGRAPHS = [
    ("方法", "青云湖位于云贵高原中部,湖面海拔1886米,湖区多年平均气温为15.2℃。在湖中设置了12个采样点,逐月采集水样。"),
    ("结果", "监测期间共鉴定出浮游植物7门86种。夏季蓝藻占优势,其生物量约为全部浮游植物总量的63.5%,冬季以硅藻为主。"),
    ("讨论", "外源的氮和磷输入湖泊以后,为蓝藻水华形成提供了营养,这与其他高原湖泊的研究一致,说明控制面源污染十分必要。"),
    ("结论", "青云湖蓝藻水华与营养盐的输入有关。控制面源污染是治理湖泊的关键,建议在入湖河口建设湿地,并加强长期监测。"),
]


def store(path: Path, rows: list[dict[str, Any]]) -> None:
    with lzma.open(path, "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.fixture(scope="module")
def near() -> Neighbours:
    return Neighbours(StaticEmbedder(SHIPPED))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    papers = [f"paper-{i}" for i in range(12)]
    paragraphs = [
        {"paper": p, "title": "高原湖泊浮游植物研究", "heading": heading, "text": text + END}
        for p in papers
        for heading, text in PARAGRAPHS
    ]
    store(tmp_path / "chinaxiv_paragraphs.jsonl.xz", paragraphs)
    abstracts = [{"q": "高原湖泊", "d": ABSTRACT, "kind": "title_abstract", "src": p} for p in papers]
    store(tmp_path / "chinaxiv_abstracts.jsonl.xz", abstracts)
    passages = [
        {
            "id": f"p{i}",
            "title": title,
            "text": f"{title}位于南屏市东部,始建于{1900 + i}年,馆藏图书{i + 20}万册。" + END,
        }
        for i, title in enumerate(("南屏图书馆", "东湖书院", "白沙博物馆"))
    ]
    store(tmp_path / "cmrc2018_train_passages.jsonl.xz", passages)
    law = "本条例所称水源保护区,是指为防治饮用水水源污染、保证水质而划定,并要求加以特殊保护的一定范围的水域和陆域。"
    store(tmp_path / "laws_articles.jsonl.xz", [{"q": "饮用水条例 总则", "d": law + str(i)} for i in range(3)])
    return tmp_path


def test_the_passage_gives_what_was_taken_out(data: Path, near: Neighbours) -> None:
    made = [cloze for seed in range(4) for cloze in clozes(data, rarity, near, 0.0, seed)]
    assert len(made) > 40
    for cloze in made:
        answer = cloze.text[slice(*cloze.span)]
        assert answer and answer not in cloze.question
        assert all(answer not in text for text, _ in cloze.others)
        assert cloze.missed != cloze.question
    elsewhere = [c for c in made if c.text in {text + END for _, text in PARAGRAPHS}]
    assert any("63.5%" in c.text[slice(*c.span)] for c in elsewhere)
    assert {c.title for c in made} > {"高原湖泊浮游植物研究", "南屏图书馆"}


def test_the_same_seed_makes_the_same_and_held_out_passages_are_left_out(data: Path, near: Neighbours) -> None:
    first = list(clozes(data, rarity, near, 0.0, 1))
    assert first == list(clozes(data, rarity, near, 0.0, 1))
    without: list[Cloze] = list(clozes(data, rarity, near, 1.0, 1))
    assert without and not {c.title for c in without} & {"南屏图书馆", "东湖书院", "白沙博物馆"}


def test_like_words_are_like(near: Neighbours) -> None:
    assert set(near.of("增加")) & {"增大", "增多", "减少", "增长", "提高"}
    assert "增加" not in near.of("增加") and near.of("无此一词") == []


def test_other_words_for_a_question(near: Neighbours) -> None:
    question = "青云湖夏季蓝藻的生物量占多少?"
    found = {mistyped(question, near, random.Random(seed), rarity) for seed in range(30)}
    assert len(found) > 4 and None not in found
    for text in found:
        assert text is not None and text != question and text.endswith("多少?")
    assert mistyped("是谁?", near, random.Random(1), rarity) is None
    assert blurred(question, near, random.Random(1), 0.0, 0.0) == question
    assert len(blurred(question, near, random.Random(1), 0.5, 0.0)) < len(question)
