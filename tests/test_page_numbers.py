"""Passages and citations of documents with pages name the page."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from articles import BRIDGE, TEA

from rag.engine import Engine
from rag.pages import page_of, pages_of


@pytest.mark.parametrize(
    ("given", "wanted"),
    [([0, 10, 10, 25], (0, 10, 10, 25)), ([5], ()), ("0", ()), ([0, "1"], ()), ([0, 9, 3], ()), ([], ()), (7, ())],
)
def test_only_offsets_are_taken_for_pages(given: Any, wanted: tuple[int, ...]) -> None:
    assert pages_of({"pages": given}) == wanted


def test_a_page_begins_at_its_offset() -> None:
    assert [page_of((0, 10, 25), at) for at in (0, 9, 10, 24, 25, 99)] == [1, 1, 2, 2, 3, 3]
    assert page_of((), 5) is None


def test_a_citation_names_the_page_that_its_quote_begins_on(tmp_path: Path) -> None:
    second = BRIDGE.text.index("大桥由青江")
    engine = Engine.open(tmp_path)
    engine.add([replace(BRIDGE, metadata={"pages": [0, second]}), TEA])
    for question, page in (
        ("青江大桥全长多少米?", 1),
        ("青江大桥的总工程师是谁?", 2),
        ("云岭县有多少家茶叶加工企业?", None),
    ):
        assert [citation.page for citation in engine.ask(question).citations] == [page]
    engine._index.write_generation(force=True)
    engine.close()
    engine = Engine.open(tmp_path)
    assert [citation.page for citation in engine.ask("青江大桥的总工程师是谁?").citations] == [2]
    assert {hit.page for hit in engine.search("青江大桥")} <= {1, 2, None}
    engine.close()
