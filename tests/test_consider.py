"""Which units are considered as answers, and the years that a text names by its own date."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from articles import BRIDGE, TEA

from rag.answer.consider import CONSIDERED, Tools, consider
from rag.answer.dates import relative_years
from rag.answer.features import NAMES
from rag.answer.rarity import rarity
from rag.answer.reader import Reader, load
from rag.answer.units import units
from rag.embed import SHIPPED, StaticEmbedder
from rag.types import Document, Hit


@pytest.fixture(scope="module")
def tools() -> Tools:
    embedder = StaticEmbedder(SHIPPED)
    return Tools(Reader(load(), embedder.tokenizer, rarity), rarity, embedder.meanings)


def hits(documents: Sequence[Document]) -> list[Hit]:
    return [
        Hit(f"{d.id}:0", d.id, d.title, d.source, d.url, d.published, d.text, 0, len(d.text), 1.0, 0.5, 1.0)
        for d in documents
    ]


def by_id(*documents: Document) -> Mapping[str, Document]:
    return {d.id: d for d in documents}


def test_few_units_are_considered_and_the_answer_is_among_them(tools: Tools) -> None:
    filler = "".join(f"第{i}座亭子里摆着石桌石凳,供过往行人歇脚。" for i in range(20))
    long = Document("long", f"{filler}\n{BRIDGE.text}\n{filler}", title="青江两岸")
    documents = by_id(long, TEA)
    found, matrix = consider("大桥全长多少米?", hits([long, TEA]), documents, tools)
    assert len(found) == CONSIDERED == len(matrix) < len(units(hits([long, TEA]), documents))
    assert any("2386米" in unit.text for unit in found)
    assert found == sorted(found, key=lambda u: (u.hit, u.document_id, u.start))
    read = matrix[:, NAMES.index("read")]
    assert "2386米" in found[int(np.argmax(read))].text
    share = matrix[:, NAMES.index("read_share")]
    assert (share >= 0).all() and share.sum() <= 1 + 1e-5


def test_what_was_said_is_not_considered_again(tools: Tools) -> None:
    said = "大橋全長2386米,主跨720米,雙向六車道,設計時速80公里。"
    found, _ = consider("大桥全长多少米?", hits([BRIDGE]), by_id(BRIDGE), tools, said=said)
    assert found and not any("2386" in unit.text for unit in found)


def test_nothing_is_considered_where_nothing_was_found(tools: Tools) -> None:
    found, matrix = consider("大桥全长多少米?", [], {}, tools)
    assert found == [] and matrix.shape == (0, len(NAMES))


@pytest.mark.parametrize(
    ("text", "published", "years"),
    [
        ("今年产茶三吨,去年两吨", "2023-03-06", [(0, "2023"), (7, "2022")]),
        ("产茶三吨,比去年多,较上年增一成", "2023-03-06", []),
        ("前年动工,明年完工", "2023", [(0, "2021"), (5, "2024")]),
        ("今年产茶三吨", None, []),
        ("今年产茶三吨", "", []),
        ("那一年产茶三吨", "2023-03-06", []),
    ],
)
def test_years_are_read_from_the_document_s_date(
    text: str, published: str | None, years: list[tuple[int, str]]
) -> None:
    assert relative_years(text, published) == years


def test_a_year_is_met_by_the_date_and_by_nothing_else(tools: Tools) -> None:
    text = "全县农村工作会议召开。\n今年全县建成水厂三座。会上还表彰了先进单位。"
    column = NAMES.index("numbers_absent")
    absent = {}
    for published in ("2022-05-01", "2021-05-01", None):
        document = Document("w", text, title="农村工作会议", published=published)
        _, matrix = consider("2022年全县建成几座水厂?", hits([document]), by_id(document), tools)
        absent[published] = matrix[:, column].max()
    assert absent["2022-05-01"] == 0 and absent["2021-05-01"] > 0 and absent[None] > 0
