"""From passages to a cited answer: what can be said, how it is put together, and that every quote is its span."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from articles import BRIDGE, TEA
from numpy.typing import NDArray

from rag.answer.cite import CitationError, Statement, cite
from rag.answer.extract import choose, understood, whole, with_list
from rag.answer.features import NAMES, features
from rag.answer.named import lacking
from rag.answer.rarity import rarity
from rag.answer.scorer import load, signals
from rag.answer.signs import labels, names, sought, spots
from rag.answer.units import LONGEST, Unit, units, windows
from rag.grammar import full_names
from rag.types import Document, Hit


def hit(document: Document, start: int = 0, end: int | None = None, score: float = 1.0) -> Hit:
    stop = len(document.text) if end is None else end
    about = (document.title, document.source, document.url, document.published)
    return Hit(f"{document.id}:{start}", document.id, *about, document.text[start:stop], start, stop, score, 0.5, 1.0)


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """Unit vectors of characters, float32 (n, 64)."""
    out = np.full((len(texts), 64), 1e-6, np.float32)
    for row, text in zip(out, texts, strict=True):
        for character in text:
            row[ord(character) % 64] += 1
    return np.asarray(out / np.linalg.norm(out, axis=1, keepdims=True), np.float32)


def test_units_are_the_sentences_of_the_passages_each_once() -> None:
    half = BRIDGE.text.index("大桥由青江")
    made = units([hit(BRIDGE, 0, half), hit(BRIDGE), hit(TEA)], {"bridge": BRIDGE, "tea": TEA})
    documents = {"bridge": BRIDGE, "tea": TEA}
    assert all(documents[u.document_id].text[u.start : u.end] == u.text for u in made)
    assert len({(u.document_id, u.start, u.end) for u in made}) == len(made)
    assert [u.hit for u in made] == sorted(u.hit for u in made)
    assert {u.hit for u in made if u.start < half and u.document_id == "bridge"} == {0}


def test_headings_captions_and_bylines_are_no_units() -> None:
    body = "今年全县新建水厂三座,总投资两亿元,日供水能力提高六万吨,惠及三十万人。"
    text = f"水厂建设提速\n\n新水厂。王石 摄\n\n三个项目同步推进\n\n{body}\n\n编辑:李木"
    document = Document(id="w", title="水厂建设提速", text=text)
    assert [u.text for u in units([hit(document)], {"w": document})] == [body]


def test_a_long_sentence_becomes_windows_of_whole_clauses() -> None:
    clause = "第{}期工程建成了三座水厂和两座泵站,"
    text = "".join(clause.format(i) for i in range(12)) + "全部投入使用。"
    found = windows(text, 0, len(text))
    assert all(e - s <= LONGEST for s, e in found)
    assert all(text[s:e].startswith(("第", "全部")) for s, e in found)
    assert found[0][0] == 0 and found[-1][1] == len(text)
    covered = {i for s, e in found for i in range(s, e)}
    assert covered == set(range(len(text)))
    assert windows("短句。", 0, 3) == [(0, 3)]
    unbroken = "无" * 300
    assert all(e - s <= LONGEST for s, e in windows(unbroken, 0, 300))


@pytest.mark.parametrize(
    ("text", "kind", "question", "found"),
    [
        ("大桥全长2386米", "number", "大桥全长多少米", True),
        ("两江新区建设加快", "number", "建了多少座", False),
        ("共有十二座", "number", "多少座", True),
        ("2019年获得保护", "date", "哪一年", True),
        ("2019年获得保护", "date", "2019年获得什么", False),
        ("共有15座", "number", "2015年有多少座", True),
        ("2015年公布", "number", "2015年有多少座", False),
        ("由青江大学设计", "organisation", "谁设计", True),
        ("位于白沙镇", "place", "在哪里", True),
        ("由于航运繁忙", "reason", "为什么", True),
        ("总工程师为李建国", "person", "谁是总工程师", True),
    ],
)
def test_what_an_answer_looks_like(text: str, kind: str, question: str, found: bool) -> None:
    assert bool(spots(text, kind, question)) is found  # type: ignore[arg-type]


def test_what_a_question_says_of_its_answer() -> None:
    asked = sought("2022年全县有多少家茶叶企业", "number")
    assert asked.counted is not None and asked.counted.search("共有146家")
    assert not asked.counted.search("共有146个")
    assert asked.focus.startswith("茶叶企业") and asked.numbers == {"2022"}
    assert labels("记者:何雨 摄影:田野") == ["记者", "摄影"]


def test_features_speak_for_the_sentence_that_answers() -> None:
    documents = {"bridge": BRIDGE}
    made = units([hit(BRIDGE)], documents)
    matrix = features("青江大桥全长多少米?", made, [hit(BRIDGE)], documents, lambda term: 1.0, embed, [0.0] * len(made))
    assert matrix.shape == (len(made), len(NAMES)) and matrix.dtype == np.float32
    assert np.isfinite(matrix).all() and np.abs(matrix).max() <= 4
    best = next(i for i, unit in enumerate(made) if "2386米" in unit.text)
    assert matrix[best, NAMES.index("near")] == matrix[:, NAMES.index("near")].max() > 0
    assert matrix[best, NAMES.index("counted")] == 1 and matrix[best, NAMES.index("number")] == 1
    assert features("x?", [], [], {}, lambda term: 1.0, embed, []).shape == (0, len(NAMES))


def test_a_name_that_is_not_there_is_seen_to_lack() -> None:
    documents = {"bridge": BRIDGE}
    made = units([hit(BRIDGE)], documents)

    def column(question: str, name: str) -> float:
        rows = features(question, made, [hit(BRIDGE)], documents, lambda term: 1.0, embed, [0.0] * len(made))
        return float(rows[:, NAMES.index(name)].max())

    assert column("林致远设计了哪座桥?", "names_absent") == 0
    assert column("诸葛亮设计了哪座桥?", "names_absent") == 1
    assert column("重庆大桥全长多少米?", "names_absent") == 1
    assert column("2021年青江大桥全长多少米?", "other_year") == 0  # no year stands there
    assert column("青江大桥全长多少米?", "none_found") == 0
    dated = replace(BRIDGE, text="青江大桥于2019年动工。大桥全长2386米,主跨720米。")
    documents["bridge"] = dated
    made = units([hit(dated)], documents)
    rows = features(
        "2021年青江大桥动工了吗?", made, [hit(dated)], documents, lambda term: 1.0, embed, [0.0] * len(made)
    )
    assert rows[0, NAMES.index("other_year")] == 1


@pytest.mark.parametrize(
    ("name", "text", "lacks"),
    [
        ("苏蒙", "苏、蒙两国军队越过边境", False),  # what stands between the parts does not part them
        ("约翰霍兰", "约翰·霍兰到访", False),
        ("青江大桥", "青江的两座大桥", False),  # half of it is enough
        ("南屏", "青江大桥通车", True),
    ],
)
def test_a_name_is_held_by_a_text_that_writes_it_otherwise(name: str, text: str, lacks: bool) -> None:
    weight, share = lacking(frozenset({name, "通车"}), text + "通车", lambda term: 0.5)
    assert weight == (0.5 if lacks else 0) and share == (0.5 if lacks else 0)
    assert lacking(frozenset(), text, lambda term: 0.5) == (0, 0)


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("苏蒙两国的边境在哪里?", {"苏蒙"}),
        ("周敏是哪里人?", {"周敏"}),
        ("诸葛亮设计了哪座桥?", {"诸葛亮"}),
        ("水和水泥混和后变成什么?", set()),  # the tagger takes 混和后 for a name
        ("两国之间的介河是哪条?", set()),
    ],
)
def test_what_is_no_word_is_a_name_only_with_a_surname(question: str, named: set[str]) -> None:
    assert names(question) == named


def test_features_do_not_depend_on_the_script_or_width() -> None:
    documents = {"bridge": BRIDGE}
    made = units([hit(BRIDGE)], documents)
    odds = [0.0] * len(made)
    rows = [
        features(q, made, [hit(BRIDGE)], documents, lambda term: 1.0, lambda texts: embed(["x"] * len(texts)), odds)
        for q in ("青江大桥全长多少米?", "青江大橋全長多少米？")
    ]
    np.testing.assert_array_equal(rows[0], rows[1])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("京津冀协同发展", ["北京", "天津", "河北"]),
        ("成渝地区", ["成都", "重庆"]),
        ("江苏的湘菜馆", []),
        ("成立于川西", []),
    ],
)
def test_short_names_in_a_row_stand_for_provinces(text: str, names: list[str]) -> None:
    assert full_names(text) == names


def test_sentences_side_by_side_become_one_citation() -> None:
    documents = {"bridge": BRIDGE, "tea": TEA}
    hits = [hit(BRIDGE), hit(TEA)]
    made = units(hits, documents)
    first = next(u for u in made if u.text.startswith("10月8日"))
    second = next(u for u in made if u.text.startswith("大桥全长"))
    third = next(u for u in made if u.text.startswith("目前全县"))
    copies = {"tea": {"copy": TEA.text, "shorter": BRIDGE.text}, "bridge": {}}
    said = [Statement((first, second), 0.9), Statement((third,), 0.9)]
    text, pieces, citations = cite(said, hits, documents, copies.__getitem__)
    assert "".join(pieces) == text
    assert text.count("[1]") == text.count("[2]") == 1 and "[3]" not in text
    assert citations[0].quote == BRIDGE.text[first.start : second.end]
    assert (citations[0].supports, citations[1].supports) == ((0, 1), (2,))
    assert (citations[0].also, citations[1].also) == ((), ("copy",))


def test_a_unit_that_is_not_its_span_is_never_cited() -> None:
    made = units([hit(BRIDGE)], {"bridge": BRIDGE})
    forged = replace(made[1], text="大桥全长9999米。")
    with pytest.raises(CitationError, match="not the text"):
        cite([Statement((forged,), 0.9)], [hit(BRIDGE)], {"bridge": BRIDGE}, lambda id: {})


def unit(text: str, start: int, document: str = "d") -> Unit:
    return Unit(document, start, start + len(text), text, (start, start + len(text)), "", "", 0)


def test_more_is_said_only_while_it_is_nearly_as_likely_and_short() -> None:
    candidates = [unit("甲" * 40, 0), unit("乙" * 40, 50), unit("丙" * 40, 100), unit("丁" * 40, 150)]
    alike = np.array([3.0, 2.9, 2.8, 2.7], np.float32)
    assert [u.text[0] for u in choose(candidates, alike)] == ["甲", "乙", "丙"]
    assert [u.text[0] for u in choose(candidates, np.array([3.0, -1, -1, -1], np.float32))] == ["甲"]
    assert [u.text[0] for u in choose([unit("甲" * 90, 0), unit("乙" * 90, 99)], alike[:2])] == ["甲"]
    same = [unit("甲乙丙", 0, "a"), unit("甲乙丙", 7, "b")]
    assert len(choose(same, alike[:2])) == 1  # nothing is said twice


def test_a_list_that_is_announced_comes_whole() -> None:
    items = "1. 新建两所小学。\n2. 改造三座桥梁。\n3. 开通四条公交线路。\n4. 修缮古城墙。"
    text = f"县里今年要办以下几件实事:\n{items}\n\n另据了解,资金已到位。"
    document = Document(id="list", title="", text=text)
    made = units([hit(document)], {"list": document})
    said = with_list([made[0]], [hit(document)], {"list": document})
    assert [u.text[0] for u in said[1:]] == ["1", "2", "3", "4"]
    assert said[-1].end - said[0].start <= 300
    assert with_list([made[1]], [hit(document)], {"list": document}) == [made[1]]


def test_the_sentence_that_lists_is_said_whole() -> None:
    parts = "、".join(f"第{i}所中学和第{i}所小学" for i in range(14))
    text = f"今年新建的学校包括{parts},以及两所幼儿园。另有三座桥梁。"
    document = Document(id="list", title="", text=text)
    made = units([hit(document)], {"list": document})
    assert (made[0].start, made[0].end) != made[0].sentence
    (said,) = whole([made[0]], {"list": document})
    assert said.text == text[: text.index("另")] == text[said.start : said.end]
    long = replace(document, text=text.replace("以及", "以及" + parts + "、" + parts))
    made = units([hit(long)], {"list": long})
    assert whole([made[0]], {"list": long}) == [made[0]]  # more than a quote may have


@pytest.mark.parametrize(
    ("before", "sentence", "joined"),
    [
        ("周敏生于1970年。", "她于2015年出任馆长。", True),
        ("大桥于2019年动工。", "同年,两岸的引桥开始施工。", True),
        ("大桥于2019年动工。", "其他桥梁也在施工。", False),
        ("大桥于2019年动工。", "两岸的引桥同时施工。", False),
        ("大桥" * 60 + "动工。", "该桥全长2386米。", False),  # too long for both
    ],
)
def test_a_sentence_that_points_back_is_said_with_the_one_before(before: str, sentence: str, joined: bool) -> None:
    document = Document("d", f"项目建设顺利。{before}{sentence}", title="报道")
    made = {u.text: u for u in units([hit(document)], {"d": document})}
    said = understood([made[sentence]], [hit(document)], {"d": document})
    assert [u.text for u in said] == ([sentence, before] if joined else [sentence])
    assert all(document.text[u.start : u.end] == u.text for u in said)
    alone = Document("e", f"{before}\n{sentence}", title="报道")  # another paragraph is no help
    made = {u.text: u for u in units([hit(alone)], {"e": alone})}
    assert understood([made[sentence]], [hit(alone)], {"e": alone}) == [made[sentence]]
    found = [hit(document, document.text.index(sentence))]  # what was not found is not cited
    (unit,) = units(found, {"d": document})
    assert understood([unit], found, {"d": document}) == [unit]


def test_confidence_is_a_probability_and_rises_with_the_best_logit() -> None:
    scorer = load()
    rows = np.zeros((3, len(NAMES)), np.float32)
    numbers = np.arange(3, dtype=np.int32)
    found = [scorer.confidence(np.array([z, -4, -5], np.float32), rows, numbers) for z in (-4.0, 0.0, 4.0, 8.0)]
    assert found == sorted(found) and 0 <= found[0] < 0.5 < found[-1] <= 1
    assert scorer.confidence(np.zeros(0, np.float32), np.zeros((0, len(NAMES)), np.float32), numbers[:0]) == 0.0
    assert 0 < float(scorer.threshold) < 1


def test_parts_of_one_sentence_are_not_each_other_s_rivals() -> None:
    rows = np.zeros((3, len(NAMES)), np.float32)
    logits = np.array([3.0, 2.9, -1.0], np.float32)
    assert signals(logits, rows, np.array([0, 0, 1], np.int32))[2] == 4.0
    assert signals(logits, rows, np.array([0, 1, 2], np.int32))[2] == pytest.approx(0.1, abs=1e-5)
    assert signals(logits[:2], rows[:2], np.array([0, 0], np.int32))[2] == 5.0


def test_rare_terms_weigh_more_than_common_ones() -> None:
    assert rarity("进行") < rarity("实验室") <= rarity("绛溪")
    assert rarity("\u9f98\u9f98\u9f98") == 1.0
