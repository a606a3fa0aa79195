"""PDF files, set as a word processor sets them: paragraphs joined, running lines gone, pages known by their offsets."""

import re
import sys
import time
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pdf_files import Sheet, pdf
from web_pages import P, Q

from rag import ingest
from rag.errors import InvalidInput
from rag.ingest import pdf as reader
from rag.ingest import pdf_lines
from rag.ingest.pdf_lines import Line, Page

LONG = tuple(one + other for one, other in zip(P, Q, strict=False))
ENGLISH = (
    "The reading rooms of the old granary were rebuilt with state support and are open to everyone who lives in the "
    "county, every day of the week except Monday, from nine in the morning until nine in the evening."
)


def running(sheet: Sheet) -> None:
    sheet.at(72, 800, "白河县志 第三卷" if sheet.number % 2 else "白河县地方志办公室", 9)
    sheet.at(290, 50, f"— {sheet.number} —", 9)


def report(sheet: Sheet) -> None:
    sheet.running = running
    sheet.centred("关于旧粮库改造为县图书馆", 20)
    sheet.centred("有关情况的报告", 20)
    sheet.centred("白河县文化局 2023年6月18日", 10)
    sheet.paragraph("一、总体情况", 14, indent=0)
    for text in LONG * 10:
        sheet.paragraph(text)
    sheet.paragraph("二、存在的问题", 14, indent=0)
    sheet.paragraph(ENGLISH)
    sheet.paragraph("（一）停车位不足。周末下午常常排队。")
    sheet.paragraph("（二）古籍修复人员只有一名。")
    sheet.end()


def test_paragraphs_are_joined_and_running_lines_go() -> None:
    document = ingest.parse(pdf(report), "报告.pdf")
    assert document.text.split("\n") == [
        "关于旧粮库改造为县图书馆有关情况的报告",
        "白河县文化局 2023年6月18日",
        "一、总体情况",
        *LONG * 10,
        "二、存在的问题",
        ENGLISH,
        "（一）停车位不足。周末下午常常排队。",
        "（二）古籍修复人员只有一名。",
    ]
    assert document.title == "关于旧粮库改造为县图书馆有关情况的报告"
    assert document.published == "2023-06-18"
    assert document.id == ingest.content_id(document)


def test_pages_begin_where_their_first_character_stands() -> None:
    firsts: list[str] = []

    def draw(sheet: Sheet) -> None:
        sheet.running = running
        for number in range(1, 6):
            firsts.append(f"第{'一二三四五'[number - 1]}页从这里开始，后面是别的话。")
            sheet.paragraph(firsts[-1])
            sheet.paragraph(LONG[number % 3])
            if number < 5:
                sheet.new_page()
        sheet.end()

    document = ingest.parse(pdf(draw), "a.pdf")
    pages = document.metadata["pages"]
    assert len(pages) == 5 and pages[0] == 0
    assert [document.text[start:].startswith(first) for start, first in zip(pages, firsts, strict=True)] == [True] * 5


def test_a_page_may_begin_inside_a_paragraph() -> None:
    document = ingest.parse(pdf(report), "a.pdf")
    pages = document.metadata["pages"]
    assert pages == sorted(set(pages)) and len(pages) >= 3
    inside = [start for start in pages[1:] if document.text[start - 1] != "\n"]
    assert inside and all(document.text[start - 1] + document.text[start] in "".join(LONG) for start in inside)


def test_a_page_of_pictures_is_named_and_has_an_offset() -> None:
    from PIL import Image
    from reportlab.lib.utils import ImageReader

    def draw(sheet: Sheet) -> None:
        sheet.paragraph(LONG[0])
        sheet.new_page()
        sheet.canvas.drawImage(ImageReader(Image.new("RGB", (50, 50), "red")), 72, 300, 400, 400)
        sheet.new_page()
        sheet.paragraph(LONG[1])
        sheet.end()

    document = ingest.parse(pdf(draw), "a.pdf")
    assert document.metadata["pages_without_text"] == [2]
    assert document.metadata["pages"] == [0, len(LONG[0]) + 1, len(LONG[0]) + 1]


def test_words_broken_by_a_hyphen_are_joined() -> None:
    def draw(sheet: Sheet) -> None:
        sheet.at(72, 700, "The committee decided that the construc-")
        sheet.at(72, 680, "tion of the new reading room would be-")
        sheet.at(72, 660, "gin in the spring of the following year.")
        sheet.canvas.showPage()

    assert ingest.parse(pdf(draw), "a.pdf").text == (
        "The committee decided that the construction of the new reading room would begin in the spring of the "
        "following year."
    )


def test_two_columns_are_read_one_after_the_other() -> None:
    def draw(sheet: Sheet) -> None:
        for left, text in ((72, LONG[0]), (310, LONG[1])):
            sheet.base = 700
            sheet.paragraph(text, left=left, right=left + 210)
        sheet.end()

    assert ingest.parse(pdf(draw), "a.pdf").text.split("\n") == [LONG[0], LONG[1]]


def test_paragraphs_without_indent_are_told_apart_by_their_distance() -> None:
    def draw(sheet: Sheet) -> None:
        for text in LONG:
            sheet.paragraph(text, indent=0)
            sheet.base -= 20
        sheet.end()

    assert ingest.parse(pdf(draw), "a.pdf").text.split("\n") == list(LONG)


@pytest.mark.parametrize(
    ("told", "title"),
    [
        ("关于旧粮库改造为县图书馆有关情况的报告", "关于旧粮库改造为县图书馆有关情况的报告"),
        ("Microsoft Word - 模板3.doc", "旧粮库改造情况"),
        (None, "旧粮库改造情况"),
    ],
)
def test_a_title_of_the_file_counts_where_the_page_shows_it(told: str | None, title: str) -> None:
    def draw(sheet: Sheet) -> None:
        sheet.centred("旧粮库改造情况", 18)
        sheet.paragraph("县文化局提交了关于旧粮库改造为县图书馆有关情况的报告，全文如下。")
        sheet.paragraph(LONG[0])
        sheet.end()

    assert ingest.parse(pdf(draw, title=told), "a.pdf").title == title


@pytest.mark.parametrize(("author", "found"), [("秦月", "秦月"), ("Administrator", None)])
def test_an_author_of_the_file_counts_where_the_page_shows_it(author: str, found: str | None) -> None:
    document = ingest.parse(pdf(lambda sheet: sheet.paragraph(P[1] + P[2]), author=author), "a.pdf")
    assert document.metadata.get("author") == found


def _picture(sheet: Sheet) -> None:
    sheet.canvas.rect(100, 100, 300, 300, fill=1)


REFUSED = {
    "locked": (pdf(report, password="geheim"), "password"),
    "scan": (pdf(_picture), "scan"),
    "no pdf": (b"PK\x03\x04 is something else", "no PDF"),
    "cut off": (b"%PDF-1.7\n" + b"garbage" * 40, "damaged"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_the_reason(name: str) -> None:
    data, reason = REFUSED[name]
    with pytest.raises(InvalidInput, match=reason) as error:
        ingest.parse(data, "文件.pdf")
    assert str(error.value).startswith("文件.pdf: ")


def test_fonts_that_do_not_say_what_they_show_are_refused() -> None:
    font = (
        b"/Type /Font /Subtype /Type3 /FontBBox [0 0 1 1] /FontMatrix [1 0 0 1 0 0] /CharProcs << >> /FirstChar 1 "
        b"/LastChar 4 /Widths [1 1 1 1] /Encoding << /Type /Encoding /Differences [1 /g1 /g2 /g3 /g4] >>"
    )
    with pytest.raises(InvalidInput, match="fonts"):
        ingest.parse(_raw(b"BT /F1 12 Tf 72 700 Td (" + bytes(range(1, 5)) * 40 + b") Tj ET", font), "a.pdf")


def _raw(content: bytes, font: bytes, filter: bytes = b"") -> bytes:
    """A PDF of one page with the given content stream and font, without a table of its objects."""
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d %s >> stream\n%s\nendstream" % (len(content), filter, content),
        b"<< " + font + b" >>",
    )
    body = b"".join(b"%d 0 obj %s endobj\n" % (number, each) for number, each in enumerate(objects, 1))
    return b"%PDF-1.4\n" + body + b"trailer << /Root 1 0 R >>\n"


HELVETICA = b"/Type /Font /Subtype /Type1 /BaseFont /Helvetica"


@pytest.mark.parametrize("kind", ["bomb", "text", "nested", "long line"])
def test_hostile_files_are_bounded(kind: str) -> None:
    """What would take minutes, or all memory, is refused by the process that reads it."""
    shown = b"BT /F1 12 Tf 72 700 Td (text) Tj ET\n"
    if kind == "bomb":
        packer = zlib.compressobj()  # 0.5 GB of text in 2 MB
        packed = b"".join(packer.compress(shown * 100_000) for _ in range(150)) + packer.flush()
        data = _raw(packed, HELVETICA, b"/Filter /FlateDecode")
    elif kind == "text":
        data = _raw(zlib.compress(shown * 400_000), HELVETICA, b"/Filter /FlateDecode")
    elif kind == "nested":
        data = b"%PDF-1.4\n1 0 obj " + b"<< /A [" * 2_000_000
    else:
        data = _raw(b"BT /F1 12 Tf 72 700 Td (" + b"a" * (8 << 20) + b") Tj ET", HELVETICA)
    start = time.perf_counter()
    try:
        ingest.parse(data, "a.pdf")
        assert kind in ("text", "long line")
    except InvalidInput as error:
        assert "a.pdf" in str(error)
    assert time.perf_counter() - start < 150


def test_a_reader_that_dies_refuses_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_CHILD", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(InvalidInput, match="too much time or memory"):
        ingest.parse(pdf(report), "a.pdf")


def test_nothing_heavy_is_loaded_into_this_process() -> None:
    ingest.parse(pdf(lambda sheet: sheet.paragraph(LONG[0])), "a.pdf")
    assert "pypdfium2" not in sys.modules


WHOLE = pdf(lambda sheet: sheet.paragraph(LONG[0]))


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused(data: st.DataObject) -> None:
    broken = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(broken) - 1))
        broken[at : at + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=30))
    try:
        document = ingest.parse(bytes(broken), "a.pdf")
    except InvalidInput:
        return
    assert document.text and len(document.metadata["pages"]) >= 1


# --- lines to paragraphs, without a file


def lines(*texts: str, left: float = 72, right: float = 520, base: float = 700, size: float = 12) -> list[Line]:
    return [Line(text, left, right, base - 20 * row, size) for row, text in enumerate(texts)]


def test_lines_are_glued_as_their_script_asks() -> None:
    for first, second, joined in (
        ("水务局", "获悉", "水务局获悉"),
        ("reading", "room", "reading room"),
        ("共有", "IPv6 地址", "共有IPv6 地址"),
        ("“开放”，", "他说", "“开放”，他说"),
    ):
        assert pdf_lines.join([Page(lines(first, second), 595, 842)])[0] == joined


def test_a_stretched_line_is_drawn_together() -> None:
    assert pdf_lines.join([Page(lines("重 庆 市 水 务 局"), 595, 842)])[0] == "重庆市水务局"
    assert pdf_lines.join([Page(lines("第一章 总 则"), 595, 842)])[0] == "第一章 总 则"


def test_a_line_that_stands_on_two_pages_of_ten_is_no_running_head() -> None:
    pages = []
    for number in range(1, 11):
        first = "本市概况" if number <= 2 else f"第{number}段说的是别的"
        pages.append(Page(lines(first, "正文一行", "又一行", "再一行", f"末行{number}的话"), 595, 842))
    assert pdf_lines.join(pages)[0].count("本市概况") == 2


@given(
    st.lists(
        st.lists(
            st.builds(
                Line,
                st.text(st.sampled_from("江城a- 。12一、（）"), max_size=20),
                st.floats(0, 600),
                st.floats(0, 600),
                st.floats(-10, 900),
                st.floats(0, 40),
                st.booleans(),
            ),
            max_size=12,
        ),
        max_size=6,
    )
)
def test_offsets_of_pages_fit_any_lines(given_pages: list[list[Line]]) -> None:
    text, starts = pdf_lines.join([Page(page, 595, 842) for page in given_pages])
    assert len(starts) == len(given_pages)
    assert starts == sorted(starts) and all(0 <= start <= len(text) for start in starts)
    assert not re.search(r"^\s|\s$|\n\s|\s\n", text)


def test_text_that_reaches_into_the_margins_is_kept() -> None:
    texts = [
        f"第{number}行写的是{name}的来历" for number, name in enumerate("桥塔井庙街巷渡口仓桥塔井庙街巷渡口仓" * 9, 1)
    ]
    pages = [Page(lines(*texts[begin : begin + 42], base=835), 595, 842) for begin in range(0, 162, 42)]
    text, _ = pdf_lines.join(pages)
    assert all(each in text for each in texts[:160])
