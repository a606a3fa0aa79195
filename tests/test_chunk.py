import itertools
import json
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.chunk import LIMIT, chunk
from rag.ingest import read
from rag.types import Chunk, Document

ARTICLE = Path(__file__).parent.parent / "seeds" / "000_4d19cff5ebdb1101.txt"
SHARED = Path(__file__).parent.parent.parent / "shared"

LINES = st.one_of(
    st.sampled_from(
        ["", "", "第一章 总则", "一、工作回顾", "（一）要点", "# 标题", "加快补齐短板", "记者：张三 李四", "• 一项"]
    ),
    st.text(st.sampled_from("成渝双城经济圈，。！？、“”《》 1a"), max_size=60),
    st.integers(1, 1200).map(lambda n: "科创" * n),
    st.integers(1, 60).map(lambda n: "川渝两地深化合作。" * n),
    st.integers(1, 90).map(lambda n: "川渝两地深化合作，" * n + "完。"),
)
DOCUMENTS = st.lists(LINES, max_size=25).map("\n".join)


def chunks_of(text: str, title: str = "题") -> list[Chunk]:
    return chunk(Document(id="d", text=text, title=title))


@example("1！11！a\n" + "科创" * 248)  # an overlap that leaves no room for what comes next
@given(st.one_of(DOCUMENTS, st.text()))
def test_chunks_are_exact_ordered_and_lose_nothing(text: str) -> None:
    chunks = chunks_of(text)
    covered = 0
    for number, piece in enumerate(chunks):
        assert piece.text == text[piece.start : piece.end]
        assert piece.id == f"d:{piece.start}-{piece.end}"
        assert piece.document_id == "d"
        assert 0 < len(piece.text) <= LIMIT
        assert piece.text == piece.text.strip()
        assert not text[covered : piece.start].strip()
        if number:
            assert chunks[number - 1].start < piece.start and chunks[number - 1].end < piece.end
        covered = piece.end
    assert not text[covered:].strip()
    assert chunks == chunks_of(text)


@given(DOCUMENTS)
def test_a_text_within_the_limit_is_one_chunk(text: str) -> None:
    short = text.strip()[:LIMIT].strip()
    assert [piece.text for piece in chunks_of(short)] == ([short] if short else [])


def test_a_heading_begins_the_chunk_of_its_section() -> None:
    paragraph = "川渝两地深化合作，联合开展攻关。" * 14
    text = "\n\n".join(["总题", paragraph, "加快补齐短板", "增强创新能力", paragraph, "第二章 附则", paragraph])
    chunks = chunks_of(text, "总题")
    assert [piece.text.split("\n")[0] for piece in chunks] == ["总题", "加快补齐短板", "第二章 附则"]
    assert [piece.context for piece in chunks] == ["总题", "总题\n加快补齐短板\n增强创新能力", "总题\n第二章 附则"]


HEADINGS = ["第一章 总则", "加快补齐短板", "# 一级", "（一）要点"]
PARAGRAPHS = ["句子在此，不长不短，到此为止。" * 9, "另有一句，写在此处。" * 70, "没有标点" * 200]
SECTIONS = st.tuples(st.lists(st.sampled_from(HEADINGS), max_size=3), st.sampled_from(PARAGRAPHS))


@given(st.lists(SECTIONS, min_size=1, max_size=8))
def test_a_heading_never_ends_a_chunk(sections: list[tuple[list[str], str]]) -> None:
    text = "\n\n".join("\n\n".join([*headings, paragraph]) for headings, paragraph in sections)
    assert not [piece for piece in chunks_of(text) if piece.text.split("\n")[-1] in HEADINGS]


def test_sections_keep_their_headings_as_context_when_they_are_long() -> None:
    text = "# 条例\n\n## 第一章 总则\n\n" + "\n\n".join(
        f"第{n}条 应当推进改革，" + "加强协同创新。" * 40 for n in "一二三"
    )
    chunks = chunks_of(text, "条例")
    assert len(chunks) >= 3
    assert all(piece.context.startswith("条例\n第一章 总则") for piece in chunks)
    assert "第三条" in chunks[-1].context


def test_neighbouring_chunks_of_a_section_share_whole_sentences() -> None:
    text = "".join(f"这是第{n}句，写得不长。" for n in range(100))
    chunks = chunks_of(text)
    for left, right in itertools.pairwise(chunks):
        shared = left.end - right.start
        assert 0 < shared <= 80
        assert text[right.start - 1] == "。"


def test_a_long_sentence_is_cut_at_clauses() -> None:
    text = "联合开展技术攻关，" * 200
    assert all(piece.text.endswith("，") for piece in chunks_of(text))


def test_who_made_the_article_is_a_chunk_of_its_own() -> None:
    body = "川渝两地深化合作，联合开展攻关。" * 35
    chunks = chunks_of(
        f"{body}\n\n记者：陈某 张某某 通讯员 王某某\n编辑：周某 徐某某（实习）\n校对：罗某某\n审核：隆某"
    )
    assert chunks[-1].text.startswith("记者：") and chunks[-1].text.endswith("审核：隆某")


@pytest.mark.parametrize("unit", ["字", "\n", "字\n", "# 题\n", "。", "“", "• 字\n", "字，"])
def test_a_megabyte_takes_linear_time(unit: str) -> None:
    def seconds(size: int) -> float:
        document = Document(id="d", text=unit * (size // len(unit)))
        begun = time.process_time()
        chunk(document)
        return time.process_time() - begun

    small = seconds(50_000)
    assert seconds(400_000) < 24 * small + 0.5


def test_the_article_keeps_each_piece_of_news_together() -> None:
    chunks = chunk(read(ARTICLE))
    assert 7 <= len(chunks) <= 12
    lists = next(piece for piece in chunks if "天府兴隆湖实验室、" in piece.text)
    assert "天府锦城实验室" in lists.text and lists.text.startswith("相向而行")
    assert chunks[0].text.startswith("全团建议 | ") and "重庆日报" in chunks[0].text


@pytest.mark.skipif(not SHARED.exists(), reason="the reading sets lie beside the project")
@pytest.mark.parametrize("name", ["cmrc-trial", "drcd-dev"])
def test_evidence_lies_whole_in_one_chunk(name: str) -> None:
    def rows(file: str) -> list[dict[str, object]]:
        return [json.loads(line) for line in (SHARED / "eval" / name / file).read_text(encoding="utf-8").splitlines()]

    texts = [str(row["text"]) for row in rows("documents.jsonl")]
    pieces = "\0".join(piece.text for text in texts for piece in chunks_of(text))
    whole = "\0".join(texts)
    quotes = [quote for row in rows("questions.jsonl") for quote in row["evidence"]]  # type: ignore[attr-defined]
    quotes = [quote for quote in quotes if len(quote) <= 300 and quote in whole]
    assert len(quotes) > 400
    assert sum(quote in pieces for quote in quotes) >= 0.985 * len(quotes)
