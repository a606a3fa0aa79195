"""Bytes that are uploaded: ids from their content; zip archives, none of whose files goes missing."""

import io
import struct
import zipfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from web_pages import PAGES, P, Q

from rag import ingest
from rag.errors import InvalidInput
from rag.types import Document
from service.convert import to_document
from service.schemas import DocumentIn

LIMIT = 1 << 20


def zipped(*files: tuple[str, bytes], encoding: str | None = None) -> bytes:
    """A zip as this library writes it; with ``encoding``, names as programs write them that set no flag."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for number, (name, content) in enumerate(files):
            file.writestr(f"{number:04d}".ljust(len(name.encode(encoding)), "x") if encoding else name, content)
    data = out.getvalue()
    for number, (name, _) in enumerate(files):
        if encoding:
            raw = name.encode(encoding)
            data = data.replace(f"{number:04d}".ljust(len(raw), "x").encode(), raw)
    return data


def unpacked(data: bytes, limit: int = LIMIT) -> dict[str, Document | InvalidInput]:
    return dict(ingest.archive(data, "文章.zip", limit=limit))


def text(number: int) -> bytes:
    return f"第{number}篇\n\n{P[number % 4]}".encode()


# --- parse


def test_an_upload_has_an_id_of_its_content() -> None:
    one = ingest.parse(PAGES["article tag"].data, "a.html")
    assert one.id == ingest.content_id(one) and one.origin == "api"
    assert ingest.parse(PAGES["article tag"].data, "an/other.htm").id == one.id
    assert ingest.parse(PAGES["captions"].data, "a.html").id != one.id
    assert ingest.parse(text(1), "a.txt", origin="seed").origin == "seed"


def test_the_name_gives_the_title_where_nothing_else_does() -> None:
    data = ("各位代表：\n" + P[0]).encode()
    assert ingest.parse(data, "folder/水务工作报告.txt").title == "水务工作报告"
    assert ingest.parse(data, "0a1b.txt").title == ""


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("a.doc", r"save it as \.docx"), ("a.zip", "archive"), ("a", "without an ending"), ("a.xyz", r"known are \.txt")],
)
def test_kinds_that_are_not_read_are_refused_with_what_to_do(name: str, remedy: str) -> None:
    with pytest.raises(InvalidInput, match=remedy):
        ingest.parse(b"x", name)


VALUE = st.none() | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20).map(str.strip)


@settings(deadline=None)
@given(
    VALUE,
    VALUE,
    st.dictionaries(st.sampled_from(["author", "b"]), st.integers(-9, 9) | st.text("甲b", max_size=3), max_size=2),
)
def test_an_id_is_that_of_the_same_document_sent_as_json(
    title: str | None, source: str | None, metadata: dict[str, Any]
) -> None:
    sent = to_document(DocumentIn(text=P[0], title=title or None, source=source or None, metadata=metadata))
    assert ingest.content_id(sent) == sent.id
    assert (
        ingest.content_id(Document(id="", text=P[0], title=title or "", source=source or None, metadata=metadata))
        == sent.id
    )


@pytest.mark.parametrize("ending", ingest.KINDS)
@settings(deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_document_or_refused(ending: str, data: bytes) -> None:
    name = f"文件{ending}"
    try:
        document = ingest.parse(data, name)
    except InvalidInput as error:
        assert str(error).startswith(name)
        return
    assert document.text.strip() and document.id.startswith("doc-")


# --- archive


def test_files_come_in_order_each_as_its_kind() -> None:
    found = unpacked(
        zipped(("乙.txt", text(1)), ("页/甲.html", PAGES["captions"].data), ("c.md", f"# 丙\n\n{Q[0]}".encode()))
    )
    assert list(found) == ["乙.txt", "页/甲.html", "c.md"]
    titles = [each.title for each in found.values() if isinstance(each, Document)]
    assert titles == ["第1篇", "休渔期的南湾渔港", "丙"]


def test_what_cannot_be_read_is_given_as_the_reason() -> None:
    inner = zipped(("a.txt", text(1)))
    found = unpacked(
        zipped(
            ("好.txt", text(2)),
            ("图.png", b"\x89PNG"),
            ("空.txt", b""),
            ("内.zip", inner),
            ("坏.docx", b"PK"),
            ("末.txt", text(3)),
        )
    )
    assert [name for name, each in found.items() if isinstance(each, Document)] == ["好.txt", "末.txt"]
    for name, reason in (
        ("图.png", "not read"),
        ("空.txt", "no text"),
        ("内.zip", "inside an archive"),
        ("坏.docx", "zip"),
    ):
        assert isinstance(found[name], InvalidInput)
        assert reason in str(found[name]) and str(found[name]).startswith(name)


def test_hidden_files_and_folders_are_left_out() -> None:
    names = ("__MACOSX/._a.txt", ".git/config.txt", "a/.b.txt", "夹/", "Thumbs.db", "./c.txt", "d.txt")
    assert list(unpacked(zipped(*((name, b"" if name.endswith("/") else text(1)) for name in names)))) == [
        "./c.txt",
        "d.txt",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "gbk", "gb18030"])
@pytest.mark.parametrize(
    "names", [("会议纪要.txt", "水务局2023年工作总结.txt"), ("说明.txt",), ("新建文本文档 (2).txt", "é.txt")]
)
def test_names_are_read_whether_or_not_a_flag_says_how(names: tuple[str, ...], encoding: str) -> None:
    if encoding != "utf-8" and "é.txt" in names:
        names = names[:1]
    files = tuple((name, text(number)) for number, name in enumerate(names))
    assert tuple(unpacked(zipped(*files, encoding=encoding))) == names
    assert tuple(unpacked(zipped(*files))) == names


def test_names_in_big5_and_in_the_code_page_of_the_format() -> None:
    assert list(unpacked(zipped(("臺北市政府公告.txt", text(1)), encoding="cp950"))) == ["臺北市政府公告.txt"]
    assert list(unpacked(zipped(("résumé.txt", text(1)), encoding="cp437"))) == ["résumé.txt"]


def test_a_locked_file_is_refused_and_the_others_are_not() -> None:
    data = bytearray(zipped(("锁.txt", text(1)), ("开.txt", text(2))))
    local, central = data.index(b"PK\x03\x04"), data.index(b"PK\x01\x02")
    data[local + 6] |= 1
    data[central + 8] |= 1
    found = unpacked(bytes(data))
    assert "password" in str(found["锁.txt"]) and isinstance(found["开.txt"], Document)


def test_a_bomb_is_refused_before_anything_is_unpacked() -> None:
    bomb = zipped(("a.txt", text(1)), ("b.txt", b"0" * (2 << 20)))
    with pytest.raises(InvalidInput, match="unpacks to"):
        next(ingest.archive(bomb, "a.zip", limit=LIMIT))
    assert len(unpacked(bomb, 3 << 20)) == 2


def test_a_bomb_that_lies_about_its_size_is_stopped_while_it_is_read() -> None:
    data = bytearray(zipped(("a.txt", b"\xe6\xb0\xb4" * 700_000), ("b.txt", text(2))))
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(mark) + offset, 100)
    found = unpacked(bytes(data))
    assert isinstance(found["a.txt"], InvalidInput) and isinstance(found["b.txt"], Document)


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all", zipped(("a.txt", text(1)))[:-8]])
def test_what_is_no_zip_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"文章\.zip"):
        unpacked(data)


def test_too_many_files_are_refused() -> None:
    with pytest.raises(InvalidInput, match="files"):
        unpacked(zipped(*((f"{number}.txt", b"") for number in range(10_001))))


SMALL = zipped(("a.txt", text(1)), ("乙.html", f"<p>{P[0]}</p><p>{P[1]}</p>".encode()), ("c/d.md", text(3)))


@settings(deadline=None)
@given(st.data())
def test_a_damaged_archive_gives_documents_or_reasons(data: st.DataObject) -> None:
    broken = bytearray(SMALL)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(broken) - 1))
        broken[at : at + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=20))
    try:
        found = unpacked(bytes(broken))
    except InvalidInput:
        return
    assert all(isinstance(each, Document | InvalidInput) and name.isprintable() for name, each in found.items())
