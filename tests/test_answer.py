"""From passages to a cited answer: what can be said, how it is put together, and that every quote is its span."""

from dataclasses import replace

import numpy as np
import pytest
from articles import BRIDGE, TEA

from rag.answer.cite import Statement, cite
from rag.answer.extract import choose
from rag.answer.features import NAMES, features
from rag.answer.scorer import load
from rag.answer.signs import labels, sought, spots
from rag.answer.units import LONGEST, Unit, units, windows
from rag.types import Document, Hit


def hit(document: Document, start: int = 0, end: int | None = None, score: float = 1.0) -> Hit:
    stop = len(document.text) if end is None else end
    about = (document.title, document.source, document.url, document.published)
    return Hit(f"{document.id}:{start}", document.id, *about, document.text[start:stop], start, stop, score, 0.5, 1.0)


def embed(texts: list[str]) -> np.ndarray:
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
    assert "记者:何雨 摄影:田野" in [u.text for u in made]


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
        ("由青江交通设计院设计", "organisation", "谁设计", True),
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
    matrix = features("青江大桥全长多少米?", made, [hit(BRIDGE)], documents, lambda term: 1.0, embed)
    assert matrix.shape == (len(made), len(NAMES)) and matrix.dtype == np.float32
    assert np.isfinite(matrix).all() and np.abs(matrix).max() <= 4
    best = int(np.argmax(matrix[:, NAMES.index("pairs")]))
    assert "2386米" in made[best].text
    assert matrix[best, NAMES.index("counted")] == 1 and matrix[best, NAMES.index("number")] == 1
    assert features("x?", [], [], {}, lambda term: 1.0, embed).shape == (0, len(NAMES))


def test_features_do_not_depend_on_the_script_or_width() -> None:
    documents = {"bridge": BRIDGE}
    made = units([hit(BRIDGE)], documents)
    rows = [
        features(q, made, [hit(BRIDGE)], documents, lambda term: 1.0, lambda texts: embed(["x"] * len(texts)))
        for q in ("青江大桥全长多少米?", "青江大橋全長多少米？")
    ]
    np.testing.assert_array_equal(*rows)


def test_sentences_side_by_side_become_one_citation() -> None:
    documents = {"bridge": BRIDGE, "tea": TEA}
    hits = [hit(BRIDGE), hit(TEA)]
    made = units(hits, documents)
    first = next(u for u in made if u.text.startswith("10月8日"))
    second = next(u for u in made if u.text.startswith("大桥全长"))
    third = next(u for u in made if u.text.startswith("目前全县"))
    text, pieces, citations = cite(
        [Statement((first, second), 0.9), Statement((third,), 0.9)], hits, documents, {"tea": ("copy",)}
    )
    assert "".join(pieces) == text
    assert text.count("[1]") == text.count("[2]") == 1 and "[3]" not in text
    assert citations[0].quote == BRIDGE.text[first.start : second.end]
    assert (citations[0].supports, citations[1].supports) == ((0, 1), (2,))
    assert (citations[0].also, citations[1].also) == ((), ("copy",))


def test_a_unit_that_is_not_its_span_is_never_cited() -> None:
    made = units([hit(BRIDGE)], {"bridge": BRIDGE})
    forged = replace(made[1], text="大桥全长9999米。")
    with pytest.raises(AssertionError, match="span"):
        cite([Statement((forged,), 0.9)], [hit(BRIDGE)], {"bridge": BRIDGE}, {})


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


def test_confidence_is_a_probability_and_rises_with_the_best_logit() -> None:
    scorer = load()
    rows = np.zeros((3, len(NAMES)), np.float32)
    found = [scorer.confidence(np.array([z, -4, -5], np.float32), rows) for z in (-4.0, 0.0, 4.0, 8.0)]
    assert found == sorted(found) and 0 <= found[0] < 0.5 < found[-1] <= 1
    assert scorer.confidence(np.zeros(0, np.float32), np.zeros((0, len(NAMES)), np.float32)) == 0.0
    assert 0 < float(scorer.threshold) < 1


def test_rare_terms_weigh_more_than_common_ones() -> None:
    scorer = load()
    assert scorer.weight("进行") < scorer.weight("实验室") <= scorer.weight("绛溪")
    assert scorer.weight("\u9f98\u9f98\u9f98") == 1.0
