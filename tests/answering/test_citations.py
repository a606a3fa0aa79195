"""Citations: every quote is the exact text that it points to, and nothing else is ever given."""

from dataclasses import replace

import pytest
from articles import BRIDGE, TEA

from rag.answering.citations import CitationError, Excerpt, Statement, cite_statements, make_citation
from rag.types import Document, Hit


def make_hit(document: Document) -> Hit:
    about = (document.title, document.source, document.url, document.published)
    return Hit(f"{document.id}:0", document.id, *about, document.text, 0, len(document.text), 1.0, 0.5, 1.0)


def make_excerpt(document: Document, text: str, hit: int = 0) -> Excerpt:
    start = document.text.index(text)
    span = (start, start + len(text))
    return Excerpt(document.id, *span, text, span, hit)


def test_sentences_side_by_side_share_one_citation() -> None:
    first = make_excerpt(BRIDGE, "10月8日,历时四年建设的青江大桥正式通车。")
    second = make_excerpt(BRIDGE, "大桥全长2386米,主跨720米,双向六车道,设计时速80公里。")
    third = make_excerpt(TEA, "目前全县有茶叶加工企业146家,其中省级龙头企业7家。", 1)
    copies = {"tea": {"copy": TEA.text, "shorter": BRIDGE.text}, "bridge": {}}
    statements = [Statement((first, second), 0.9), Statement((third,), 0.9)]
    documents = {"bridge": BRIDGE, "tea": TEA}
    text, pieces, citations = cite_statements(
        statements, [make_hit(BRIDGE), make_hit(TEA)], documents, copies.__getitem__
    )
    assert "".join(pieces) == text == f"{first.text}{second.text}[1]\n{third.text}[2]"
    assert citations[0].quote == BRIDGE.text[first.start : second.end]
    assert (citations[0].supports, citations[1].supports) == ((0, 1), (2,))
    assert (citations[0].also, citations[1].also) == ((), ("copy",))


def test_a_cut_sentence_is_said_with_dots_and_quoted_whole() -> None:
    whole = make_excerpt(BRIDGE, "大桥全长2386米,主跨720米,双向六车道,设计时速80公里。")
    start = BRIDGE.text.index("主跨720米")
    part = replace(whole, start=start, end=start + 6, text="主跨720米"[:6])
    text, _, (citation,) = cite_statements(
        [Statement((part,), 0.9)], [make_hit(BRIDGE)], {"bridge": BRIDGE}, lambda id: {}
    )
    assert text == f"…{part.text}…[1]" and citation.quote == whole.text


def test_what_is_not_its_span_is_never_cited() -> None:
    forged = replace(make_excerpt(BRIDGE, "大桥全长2386米"), text="大桥全长9999米")
    with pytest.raises(CitationError, match="not the text"):
        cite_statements([Statement((forged,), 0.9)], [make_hit(BRIDGE)], {"bridge": BRIDGE}, lambda id: {})
    for span in ((5, 5), (-1, 3), (0, 301), (0, len(BRIDGE.text) + 1)):
        with pytest.raises(CitationError, match="no quote"):
            make_citation(1, BRIDGE, "c", span, 0.9, (0,), {})


def test_what_another_statement_says_already_is_within_it() -> None:
    whole = Statement((make_excerpt(BRIDGE, "大桥全长2386米,主跨720米"),), 0.9)
    part = Statement((make_excerpt(BRIDGE, "主跨720米"),), 0.5)
    assert part.is_within(whole) and not whole.is_within(part)
    assert [e.hit for e in part.renumber(3).excerpts] == [3]
