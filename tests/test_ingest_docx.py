# ruff: noqa: E501 (markup)
"""Word files, made by another library or written out, and what is read from them."""

import io
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from web_pages import P, Q

from rag import ingest
from rag.errors import InvalidInput
from rag.ingest.docx_numbers import chinese, spelled

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def made(build: Callable[[Any], None]) -> bytes:
    """A file that python-docx writes."""
    import docx

    document = docx.Document()
    build(document)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def packed(body: str, **parts: str) -> bytes:
    """The smallest file: its body, and other parts (``numbering``, ``styles``, ``footnotes``) by name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("word/document.xml", f"<w:document {W}><w:body>{body}</w:body></w:document>")
        for name, content in parts.items():
            file.writestr(f"word/{name}.xml", f"<w:{name} {W}>{content}</w:{name}>")
    return out.getvalue()


def p(text: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def numbered(text: str, depth: int = 0, id: int = 1) -> str:
    return p(text, f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{id}"/></w:numPr>')


def level(depth: int, format: str, text: str, start: int = 1) -> str:
    return f'<w:lvl w:ilvl="{depth}"><w:start w:val="{start}"/><w:numFmt w:val="{format}"/><w:lvlText w:val="{text}"/></w:lvl>'


def read(data: bytes) -> list[str]:
    return ingest.parse(data, "a.docx").text.split("\n")


def test_paragraphs_headings_lists_and_tables() -> None:
    def build(document: Any) -> None:
        document.core_properties.title = "旧粮库改造报告"
        document.core_properties.author = "秦月"
        document.add_heading("旧粮库改造报告", 0)
        document.add_paragraph("来源：白河日报　2023年6月18日")
        document.add_heading("背景", 1)
        document.add_paragraph(P[0])
        for text in ("清点设备", "拆除隔墙"):
            document.add_paragraph(text, style="List Number")
        document.add_paragraph("保留粮仓", style="List Bullet")
        table = document.add_table(3, 3)
        for row, cells in enumerate((("县", "产量", "增长"), ("白河", "12.4", "3.1%"), ("南湾", "8.7", ""))):
            for column, text in enumerate(cells):
                table.cell(row, column).text = text
        document.add_paragraph(P[1]).add_run().add_break()
        document.paragraphs[-1].add_run("另起一行")
        document.add_page_break()
        document.add_paragraph(P[2])

    document = ingest.parse(made(build), "报告.docx")
    assert document.text.split("\n") == [
        "旧粮库改造报告", "来源：白河日报　2023年6月18日", "背景", P[0], "1. 清点设备", "2. 拆除隔墙", "• 保留粮仓",
        "县 | 产量 | 增长", "白河 | 12.4 | 3.1%", "南湾 | 8.7 |", P[1], "另起一行", "", P[2],
    ]  # fmt: skip
    assert (document.title, document.source, document.published) == ("旧粮库改造报告", "白河日报", "2023-06-18")
    assert document.metadata == {"author": "秦月"}
    assert document.id == ingest.content_id(document)


@pytest.mark.parametrize(
    ("author", "found"), [("Administrator", None), ("微软用户", None), ("", None), ("秦月", "秦月")]
)
def test_the_name_of_an_account_is_no_author(author: str, found: str | None) -> None:
    def build(document: Any) -> None:
        document.core_properties.author = author
        document.add_paragraph(P[0])

    assert ingest.parse(made(build), "a.docx").metadata.get("author") == found


def test_the_date_of_a_template_is_no_date_of_publication() -> None:
    assert ingest.parse(made(lambda document: document.add_paragraph(P[0])), "a.docx").published is None


def test_numbers_that_word_makes_are_read() -> None:
    levels = (
        level(0, "chineseCounting", "第%1章") + level(1, "japaneseCounting", "第%2条")
        + level(2, "chineseCountingThousand", "（%3）") + level(3, "decimal", "%4．")
    )  # fmt: skip
    numbering = f'<w:abstractNum w:abstractNumId="5">{levels}</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="5"/></w:num>'
    body = (
        numbered("总则") + numbered("为了规范用水，制定本办法。", 1) + numbered("本办法适用于全县。", 1)
        + numbered("城区；", 2) + numbered("乡镇；", 2) + numbered("中心镇", 3) + numbered("管理")
        + numbered("单位应当装表计量。", 1) + numbered("旧区。", 2)
    )  # fmt: skip
    assert read(packed(body, numbering=numbering)) == [
        "第一章 总则", "第一条 为了规范用水，制定本办法。", "第二条 本办法适用于全县。", "（一）城区；", "（二）乡镇；",
        "1．中心镇", "第二章 管理", "第一条 单位应当装表计量。", "（一）旧区。",
    ]  # fmt: skip


def test_numbers_come_from_styles_and_start_where_they_are_told_to() -> None:
    numbering = (
        f'<w:abstractNum w:abstractNumId="0">{level(0, "decimal", "%1、", 3)}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="0"/>'
        '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="9"/></w:lvlOverride></w:num>'
    )
    styles = (
        '<w:style w:styleId="a"><w:name w:val="条文"/><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
        '<w:style w:styleId="b"><w:name w:val="条文二"/><w:basedOn w:val="a"/></w:style>'
    )
    body = (
        p("甲", '<w:pStyle w:val="b"/>')
        + p("乙", '<w:pStyle w:val="a"/>')
        + numbered("丙", id=2)
        + numbered("丁", id=77)
    )
    assert read(packed(body, numbering=numbering, styles=styles)) == ["3、甲", "4、乙", "9、丙", "丁"]


@pytest.mark.parametrize(
    ("number", "format", "text"),
    [
        (10, "chineseCounting", "十"), (11, "japaneseCounting", "十一"), (20, "taiwaneseCounting", "二十"),
        (103, "chineseCountingThousand", "一百零三"), (110, "chineseCounting", "一百一十"), (1005, "chineseCounting", "一千零五"),
        (24, "ideographDigital", "二四"), (3, "decimalEnclosedCircle", "③"), (21, "decimalEnclosedCircle", "21"),
        (28, "upperLetter", "BB"), (3, "lowerLetter", "c"), (1994, "upperRoman", "MCMXCIV"), (4, "lowerRoman", "iv"),
        (7, "decimalZero", "07"), (12, "unheardOf", "12"),
    ],
)  # fmt: skip
def test_numbers_are_spelled_as_their_format_says(number: int, format: str, text: str) -> None:
    assert spelled(number, format) == text


@given(st.integers(1, 9999))
def test_chinese_numbers_say_each_number_in_a_way_of_its_own(number: int) -> None:
    digits = dict(zip("一二三四五六七八九", range(1, 10), strict=True))
    total, digit = 0, 0
    for char in chinese(number).replace("零", ""):
        if char in digits:
            digit = digits[char]
        else:
            total += (digit or 1) * {"十": 10, "百": 100, "千": 1000}[char]
            digit = 0
    assert total + digit == number


def test_what_was_deleted_is_gone_and_what_was_inserted_is_there() -> None:
    body = (
        "<w:p><w:r><w:t>水费</w:t></w:r><w:del><w:r><w:delText>每吨三元</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>每吨四元</w:t></w:r></w:ins><w:moveFrom><w:r><w:t>旧处</w:t></w:r></w:moveFrom></w:p>"
    )
    assert read(packed(body)) == ["水费每吨四元"]


def test_fields_links_and_boxes_are_read_once() -> None:
    fallback = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    body = (
        "<w:p><w:r><w:instrText>PAGE</w:instrText></w:r><w:hyperlink><w:r><w:t>水务局</w:t></w:r></w:hyperlink><w:r><w:tab/>"
        f"<w:t>通知</w:t></w:r><w:r><mc:AlternateContent {fallback}><mc:Choice><w:txbxContent>{p('框中的话')}</w:txbxContent>"
        f"</mc:Choice><mc:Fallback><w:txbxContent>{p('框中的话')}</w:txbxContent></mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
    assert read(packed(body)) == ["水务局 通知", "框中的话"]


def test_footnotes_stand_at_the_end_under_their_marks() -> None:
    notes = (
        f'<w:footnote w:id="0" w:type="separator">{p("—")}</w:footnote><w:footnote w:id="2">{p("据县志。")}</w:footnote>'
        f'<w:footnote w:id="3">{p("同上。")}<w:p><w:r><w:footnoteReference w:id="3"/></w:r></w:p></w:footnote>'
    )
    mark = '<w:r><w:footnoteReference w:id="{}"/></w:r>'
    body = f"<w:p><w:r><w:t>粮库建于1958年</w:t></w:r>{mark.format(2)}<w:r><w:t>，</w:t></w:r>{mark.format(3)}{mark.format(2)}</w:p>"
    assert read(packed(body, footnotes=notes)) == ["粮库建于1958年[1]，[2][1]", "[1] 据县志。", "[2] 同上。"]


def test_merged_cells_are_said_in_each_row_and_layout_tables_are_lines() -> None:
    def cell(text: str, merge: str = "") -> str:
        return f"<w:tc><w:tcPr>{merge}</w:tcPr>{p(text)}</w:tc>"

    down = '<w:vMerge w:val="restart"/>'
    rows = (
        f"<w:tr>{cell('青石', down)}{cell('平地')}</w:tr><w:tr>{cell('', '<w:vMerge/>')}{cell('山区')}</w:tr>"
        f"<w:tr>{cell(P[0] * 6)}{cell(P[1])}</w:tr><w:tr><w:tc><w:tbl><w:tr>{cell('内')}{cell('层')}</w:tr></w:tbl></w:tc></w:tr>"
    )
    assert read(packed(f"<w:tbl>{rows}</w:tbl>")) == ["青石 | 平地", "青石 | 山区", P[0] * 6, P[1], "内 | 层"]


def test_the_table_of_contents_goes() -> None:
    styles = '<w:style w:styleId="1"><w:name w:val="toc 1"/></w:style>'
    contents = '<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/></w:docPartObj></w:sdtPr>'
    body = p("总则\t1", '<w:pStyle w:val="1"/>') + f"{contents}<w:sdtContent>{p('目录')}</w:sdtContent></w:sdt>"
    body += f"<w:sdt><w:sdtContent>{p(P[0])}</w:sdtContent></w:sdt>"
    assert read(packed(body, styles=styles)) == [P[0]]


def test_a_document_under_another_name_and_the_strict_kind() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("_rels/.rels", '<R><a Type="http://x/officeDocument" Target="/word/document2.xml"/></R>')
        strict = W.replace("http://schemas.openxmlformats.org/wordprocessingml/2006/main", "http://purl.oclc.org/ooxml/wordprocessingml/main")  # fmt: skip
        file.writestr("word/document2.xml", f"<w:document {strict}><w:body>{p(Q[0])}</w:body></w:document>")
    assert read(out.getvalue()) == [Q[0]]


def _zip(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return out.getvalue()


ENTITIES = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
REFUSED = {
    "old format": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, r"\.doc"),
    "no zip": (b"%PDF-1.4", "zip"),
    "another zip": (_zip(**{"a.txt": b"x"}), "no Word document"),
    "broken xml": (_zip(**{"word/document.xml": b"<w:document"}), "damaged"),
    "cut off": (packed(p(P[0]))[:-30], "zip"),
    "empty": (packed(p(" ")), "no text"),
    "bomb": (_zip(**{"word/document.xml": b" " * (64 << 20)}), "unpacks"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_the_reason(name: str) -> None:
    data, reason = REFUSED[name]
    with pytest.raises(InvalidInput, match=reason) as error:
        ingest.parse(data, "文件.docx")
    assert str(error.value).startswith("文件.docx: ")


HOSTILE: dict[str, Callable[[], str]] = {
    "entities": lambda: f'<!DOCTYPE w:document [<!ENTITY a0 "长">{ENTITIES}]><w:document {W}><w:body>{p("&a11;")}</w:body></w:document>',
    "file": lambda: f'<!DOCTYPE w:document [<!ENTITY a SYSTEM "file:///etc/passwd">]><w:document {W}><w:body>{p("&a;字")}</w:body></w:document>',
    "runs": lambda: f"<w:document {W}><w:body><w:p>{'<w:r><w:t>字</w:t></w:r>' * 600_000}</w:p></w:body></w:document>",
    "paragraphs": lambda: f"<w:document {W}><w:body>{p('字') * 300_000}</w:body></w:document>",
    "tables": lambda: f"<w:document {W}><w:body>{'<w:tbl><w:tr><w:tc>' * 5000}",
    "rows": lambda: f"<w:document {W}><w:body><w:tbl>{f'<w:tr><w:tc>{p(P[0])}</w:tc>{_DOWN}{_DOWN}</w:tr>' * 60_000}</w:tbl></w:body></w:document>",
}  # fmt: skip
_DOWN = "<w:tc><w:tcPr><w:vMerge/></w:tcPr><w:p/></w:tc>"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_take_some_seconds_at_most(name: str) -> None:
    data = _zip(**{"word/document.xml": HOSTILE[name]().encode()})
    start = time.perf_counter()
    try:
        text = ingest.parse(data, "a.docx").text
        assert "root:" not in text
        assert len(text) <= 64 << 20
    except InvalidInput:
        pass
    assert time.perf_counter() - start < 60


WHOLE = packed(
    p(P[0]) + numbered("甲"),
    numbering=f'<w:abstractNum w:abstractNumId="5">{level(0, "decimal", "%1.")}</w:abstractNum>',
)
PIECES = st.sampled_from(
    ["<w:p>", "</w:p>", "<w:r>", "</w:r>", "<w:t>字", "</w:t>", "<w:tbl>", "</w:tbl>", "<w:tr>", "</w:tr>", "<w:tc>", "</w:tc>",
     "<w:sdt>", "</w:sdt>", "<w:br/>", "<w:tab/>", '<w:footnoteReference w:id="1"/>', "<w:vMerge/>", "<!-- -->", "<?x y?>",
     "<w:numPr/>", '<w:pPr><w:numPr><w:ilvl w:val="x"/><w:numId w:val="1"/></w:numPr></w:pPr>'],
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=25))
def test_any_elements_are_a_document_or_refused(pieces: list[str]) -> None:
    try:
        document = ingest.parse(
            packed("".join(pieces), footnotes='<w:footnote w:id="1"/>', numbering="<w:num/>"), "a.docx"
        )
    except InvalidInput:
        return
    assert document.text.strip()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused(data: st.DataObject) -> None:
    broken = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(broken) - 1))
        broken[at : at + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=20))
    try:
        ingest.parse(bytes(broken), "a.docx")
    except InvalidInput as error:
        assert "a.docx" in str(error)
