# ruff: noqa: E501 (markup)
"""Saved pages of many layouts: the article, each paragraph a line, with its fields, and nothing of the page around it."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from web_pages import FISH, PAGES, TITLE, P, Q

from rag import ingest
from rag.errors import InvalidInput
from rag.ingest import page_lines, web_fields
from rag.types import Document


def page(body: str, head: str = "") -> Document:
    return ingest.parse(f"<html><head><meta charset=utf-8>{head}</head><body>{body}</body></html>".encode(), "页.html")


@pytest.mark.parametrize("name", PAGES)
def test_the_article_of_a_page(name: str) -> None:
    expected = PAGES[name]
    document = ingest.parse(expected.data, "page.html")
    assert document.text.split("\n") == list(expected.lines)
    assert document.title == expected.title
    assert document.source == expected.source
    assert document.published == expected.published
    assert document.metadata.get("author") == expected.author
    assert document.url == expected.url


@pytest.mark.parametrize("ending", ["html", "htm", "HTML", "shtml", "xhtml"])
def test_every_ending_is_read_alike(ending: str) -> None:
    data = PAGES["article tag"].data
    assert ingest.parse(data, f"a.{ending}").text == ingest.parse(data, "a.html").text


def test_xhtml_with_its_declaration() -> None:
    text = (
        f'<?xml version="1.0" encoding="gbk"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>{FISH}</title></head>'
        f"<body><h1>{FISH}</h1><p>{Q[0]}</p><p>{Q[1]}</p></body></html>"
    )
    assert ingest.parse(text.encode("gbk"), "a.xhtml").text == "\n".join((FISH, *Q[:2]))


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64"])
def test_a_page_saved_as_one_file(encoding: str) -> None:
    import email.mime.multipart
    import email.mime.text

    body = PAGES["captions"].data.decode().replace('<meta charset="utf-8">', "")
    whole = email.mime.multipart.MIMEMultipart("related")
    whole["Snapshot-Content-Location"] = "https://example.org/fish"
    part = email.mime.text.MIMEText(body, "html", "gbk" if encoding == "base64" else "utf-8")
    whole.attach(part)
    document = ingest.parse(whole.as_bytes(), "a.mhtml")
    assert document.text.split("\n") == list(PAGES["captions"].lines)
    assert document.url == "https://example.org/fish"
    with pytest.raises(InvalidInput, match="no page"):
        ingest.parse(b"From: x\n\nhello", "b.mht")


# --- single rules


def test_hidden_text_is_not_read_but_what_scripts_will_show_is() -> None:
    text = page(
        f"<p>{P[0]}</p><p style='display: none'>秘密</p><p hidden>也是</p><p style='visibility:hidden'>{P[1]}</p>"
    ).text
    assert text == f"{P[0]}\n{P[1]}"


def test_words_of_a_line_are_parted_by_elements_only_where_the_page_has_space() -> None:
    body = f"<p>新馆<b>6月</b>18日\n<i>开放</i></p><p>{P[1]}</p><p>{P[2]}</p>"
    assert page(body).text.split("\n")[0] == "新馆6月18日 开放"


def test_labels_wrapped_by_an_editor_stay_apart() -> None:
    document = page(
        f"<h1>{FISH}</h1><div>\n<span>来源：江城晚报</span>\n<span>作者：何平</span>\n</div><p>{Q[0]}</p><p>{Q[1]}</p>"
    )
    assert (document.source, document.metadata["author"]) == ("江城晚报", "何平")


def test_paragraphs_told_apart_by_their_indent_alone() -> None:
    assert page(f"<div>　　{P[0]}　　{P[1]}&nbsp;&nbsp;&nbsp;&nbsp;{P[2]}</div>").text.split("\n") == list(P[:3])


def test_ruby_keeps_how_a_character_is_read() -> None:
    plain = page(f"<p>{P[0]}这里的<ruby>垚<rp>(</rp><rt>yáo</rt><rp>)</rp></ruby>字念第二声。</p><p>{P[1]}</p>").text
    assert "这里的垚（yáo）字念第二声。" in plain


def test_lists_count_as_their_page_does() -> None:
    body = f"<p>{P[0]}</p><ol start=3><li>甲方应当付款<li value=7>乙方应当交货<li>1) 丙方作证</ol><p>{P[1]}</p>"
    assert page(body).text.split("\n")[1:-1] == ["3. 甲方应当付款", "7. 乙方应当交货", "1) 丙方作证"]


def test_a_block_named_like_furniture_stays_when_it_holds_the_article() -> None:
    body = "".join(f"<p>{line}</p>" for line in (*P, *Q))
    assert page(f"<div class='sidebar comment-box'>{body}</div>").text.split("\n") == [*P, *Q]


def test_the_rest_of_an_article_outside_its_body_is_kept() -> None:
    more = "秦月还说，圆形粮仓改作的儿童阅览室每天下午最热闹，新馆的地方文献室也向公众开放。"
    long = "".join(f"<p>{line}</p>" for line in P * 4)
    text = page(f"<h1>{TITLE}</h1><div>{long}</div><div><p>{more}</p></div><div>{_teaser()}</div>").text
    assert text.split("\n") == [TITLE, *P * 4, more]


def _teaser() -> str:
    return "<a href=1>夜市摊位实行抽签</a><p><a href=1>晚上七点，摊主们在广场排队抽取自己的位置，抽到靠近路口的人笑得合不拢嘴。</a></p>"


@pytest.mark.parametrize(
    ("title", "site", "plain"),
    [
        ("旧粮库变身县图书馆_白河网", None, "旧粮库变身县图书馆"),
        ("旧粮库变身县图书馆 - 文化 - 白河网", None, "旧粮库变身县图书馆"),
        ("旧粮库变身县图书馆|白河|文化丨白河网", None, "旧粮库变身县图书馆"),
        ("深度 | 旧粮库变身县图书馆", None, "深度 | 旧粮库变身县图书馆"),
        ("短讯-白河广播电视台官方网站", "白河广播电视台官方网站", "短讯"),
        ("T-34坦克的一生", None, "T-34坦克的一生"),
    ],
)
def test_the_name_of_the_site_is_no_part_of_the_title(title: str, site: str | None, plain: str) -> None:
    assert web_fields.without_site(title, site) == plain


@pytest.mark.parametrize(
    ("head", "published"),
    [
        ("<meta name=publishdate content='2024-03-05 10:20:00'>", "2024-03-05"),
        ("<meta name=PubDate content=20240305102000>", "2024-03-05"),
        ("<meta property=article:published_time content=2024-03-05T23:59:59+08:00>", "2024-03-05"),
        ("<meta itemprop=datePublished content='2024年3月5日'>", "2024-03-05"),
        ("<meta name=date content='March 5, 2024'>", "2024-03-05"),
        ("<meta name=date content=''><meta name=PubDate content=2024-03-05>", "2024-03-05"),
        ("<meta property=article:modified_time content=2024-03-05>", None),
        ("<meta name=PubDate content=2024-02-30>", None),
        ('<script type=\'application/ld+json\'>{"@type":"Article","dateModified":"2024-03-05"}</script>', None),
        ("<script type='application/ld+json'>{broken</script>", None),
    ],
)
def test_the_date_in_the_markup(head: str, published: str | None) -> None:
    assert page(f"<h1>{FISH}</h1><p>{Q[0]}</p><p>{Q[1]}</p>", head).published == published


@pytest.mark.parametrize(
    ("content", "author"),
    [("林岸", "林岸"), ("白河网", None), ("admin", None), ("https://example.org/lin", None), ("海岸周刊编辑部", None)],
)
def test_an_author_that_is_none_is_not_taken(content: str, author: str | None) -> None:
    found = page(f"<h1>{FISH}</h1><p>{Q[0]}</p><p>{Q[1]}</p>", f"<meta name=author content='{content}'>")
    assert found.metadata.get("author") == author


def test_an_address_that_is_none_is_not_taken() -> None:
    for url in ("/relative", "javascript:alert(1)", "ftp://example.org/a", "https://"):
        assert page(f"<p>{P[0]}</p><p>{P[1]}</p>", f"<link rel=canonical href='{url}'>").url is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "no text"),
        ("<script>render()</script><div id=app></div>", "shows no text"),
        ("<a href=1>首页</a><ul><li><a href=2>新闻</a></li><li><a href=3>夜市摊位实行抽签</a></li></ul>", "links"),
        ("<div>" * 3000 + "字", "too deep"),
        ("<b>字</b>" * 200_000, "tags"),
    ],
)
def test_pages_without_an_article_are_refused_with_the_reason(body: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        page(body)


# --- whatever a file holds

MARKUP = st.sampled_from(
    "<p> </p> <div class=nav> </div> <ul> <li> </li> <ol> <table> <tr> <td rowspan=3> </td> </tr> </table> <a href=x> </a> "
    "<h1> </h1> <br> <pre> </pre> <q> </q> <ruby> <rt> </rt> <article> <aside> </aside> <script> </script> <!-- --> 　　 \n "
    "<title> </title> <time datetime=2024-01-01> <img> &nbsp; &lt; &#0; &#xD800; 。 来源：江城晚报 2024年3月5日 首页 相关阅读 = \0".split(
        " "
    )
)


@settings(max_examples=300, deadline=None)
@given(st.lists(MARKUP, max_size=40))
def test_any_markup_is_a_document_or_refused(pieces: list[str]) -> None:
    try:
        document = ingest.parse("".join(pieces).encode(), "a.html")
    except InvalidInput:
        return
    assert document.text.strip() == document.text.strip("\n").strip()
    assert all(line == line.rstrip() for line in document.text.split("\n"))
    assert "\0" not in document.text
    assert document.id == ingest.content_id(document)


@settings(deadline=None)
@given(st.lists(st.sampled_from(P + Q), min_size=2, max_size=8, unique=True), st.integers(0, 6))
def test_no_paragraph_of_any_nesting_is_lost(lines: list[str], depth: int) -> None:
    body = "".join(
        f"{'<div>' * (row % (depth + 1))}<p>{line}</p>{'</div>' * (row % (depth + 1))}"
        for row, line in enumerate(lines)
    )
    assert page(body).text.split("\n") == lines


# --- speed, and hostile pages

N = 16 << 20
HOSTILE: dict[str, Callable[[], str]] = {
    "tables": lambda: "<table><tr><td>" * (N // 15),
    "one line": lambda: "<p>" + "重庆市。" * (N // 12),
    "signs": lambda: "<p>" + "。" * (N // 3),
    "spaces": lambda: "<p>字" + " \n" * (N // 2),
    "indents": lambda: "<p>。" + "\u3000" * (N // 3),
    "breaks": lambda: "<br>文。" * 200_000,
    "spans": lambda: "<table>" + "<tr><td rowspan=65534 colspan=99>文字</td><td>字</td>" * 45_000,
    "attributes": lambda: "<p " + "a=b " * (N // 4),
    "dates": lambda: "<p>" + "2024-01-01 " * (N // 11),
    "title": lambda: "<title>" + "标题_" * (N // 7) + f"</title><p>{P[0]}",
    "json": lambda: '<script type="application/ld+json">' + "[" * 1_000_000 + f"</script><p>{P[0]}",
    "depth": lambda: "<div>" * 1900 + "<p>文字。</p>" * 40_000,
    "entities": lambda: "&amp;" * (N // 5),
    "comment": lambda: "<!--" + "-" * N,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_sixteen_mebibytes_of_anything_take_some_seconds_at_most(name: str) -> None:
    data = HOSTILE[name]().encode()[: N + 1000]
    start = time.perf_counter()
    try:
        document = ingest.parse(data, "a.html")
        assert len(document.text) <= 4 * N
    except InvalidInput:
        pass
    assert time.perf_counter() - start < 30  # 5 at most on an idle machine


@pytest.mark.alone
def test_a_page_of_a_hundred_kilobytes_is_quick() -> None:
    paragraphs = "".join(
        f"<div class='p{row % 7}'><p>　　<span>{(P + Q)[row % 7]}</span></p></div>" for row in range(650)
    )
    data = f"<title>{TITLE}</title><ul class=nav>{'<li><a href=x>栏目</a></li>' * 200}</ul><h1>{TITLE}</h1>{paragraphs}".encode()
    assert len(data) > 100_000
    ingest.parse(data, "a.html")
    times = []
    for _ in range(5):
        start = time.process_time()
        ingest.parse(data, "a.html")
        times.append(time.process_time() - start)
    assert min(times) < 0.15  # 0.04 was measured


def test_the_reading_of_lines_does_not_recurse() -> None:
    root = page_lines.parse("<div>" * 2000 + "字" + "</div>" * 2000, "a.html")
    assert [line.text for line in page_lines.read(root).lines] == ["字"]
