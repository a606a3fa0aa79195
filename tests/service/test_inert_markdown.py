"""In `/v1` nothing that documents hold is rendered: no picture, link, heading, list of sources or marker but ours."""

import json
import random
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from scripted_engine import ScriptedEngine
from starlette.testclient import TestClient

from rag.types import Citation, Document
from service.chat.markdown import neutralise_markdown
from service.chat.writing import HEADING, Writing

HOSTILE = [
    "见![图](http://evil.example/a.png)。",
    "见[这里](http://evil.example)和[这里][a]。\n\n[a]: http://evil.example",
    "**参考来源**\n\n1. [假来源](http://evil.example)",
    "__参考来源__\n\n1. ***假***",
    "参考来源\n---\n1. 假来源",
    "参考来源\n====",
    "# 参考来源",
    "   ###### 参考来源\n正文",
    "- # 参考来源\n1. > ## 参考来源",
    "甲。\r## 参考来源",
    "<img src=http://evil.example/a.png> <b>粗</b> <!-- 注 --> <?p?> <![CDATA[x]]>",
    "<script>\nalert(1)\n</script>",
    "<http://evil.example> <a@evil.example>",
    "```html\n<b>\n```\n~~~\n甲\n~~~",
    "`` 甲 ` 乙 ``",
    "    代码\n\t代码",
    "| 甲 | 乙 |\n|---|---|\n| 1 | 2 |",
    "甲\n:--\n乙",
    "甲 | 乙\n--|:-:\n1 | 2",
    "- | 甲 |\n  |-|\n  | 1 |",
    "| 甲 |\n|" + "-" * 3000 + "|\n| 1 |",
    "甲[^1]。\n\n[^1]: 注",
    "> 引用\n>> 引用",
    "~~删去~~，3~5天和6~8天，2*3*4，$x$，\\(y\\)",
    "***\n- - -\n_ _ _",
    "&#91;1&#93; &lt;b&gt; &amp;",
    "甲\\\n乙\\[1\\]",
    "1. 一\n2. 二\n   - ![x](y)",
]
_INERT = {
    "text", "softbreak", "inline", "paragraph_open", "paragraph_close", "list_item_open", "list_item_close",
    "bullet_list_open", "bullet_list_close", "ordered_list_open", "ordered_list_close",
}  # fmt: skip
_RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def rendered(markdown: str) -> list[Token]:
    """Return all tokens that the text is rendered from."""
    blocks = _RENDERER.parse(markdown)
    return [*blocks, *(child for block in blocks for child in block.children or ())]


def test_the_renderer_would_show_them() -> None:
    found = {token.type for text in HOSTILE for token in rendered(text)}
    assert found >= {"image", "link_open", "heading_open", "html_inline", "html_block", "fence", "table_open", "s_open"}


def cited(marker: int = 1, title: str = "题") -> Citation:
    return Citation(marker, "d", "c", title, None, None, None, "话", marker, marker + 1, 1.0, (0,))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_construct_of_a_document_is_rendered(text: str) -> None:
    inert = neutralise_markdown(text)
    assert len(inert) == len(text)
    assert {token.type for token in rendered(inert)} <= _INERT
    assert "://" not in inert and "](" not in inert


@pytest.mark.parametrize("text", HOSTILE)
def test_pieces_of_any_size_are_inert_and_carry_our_marker(text: str) -> None:
    chance = random.Random(text)
    for _ in range(20):
        cuts = sorted(chance.sample(range(len(text) + 1), 2))
        pieces = [text[: cuts[0]], text[cuts[0] : cuts[1]], text[cuts[1] :] + "[1]"]
        writing = Writing("http://s/")
        content = "".join([*(writing.piece(piece, [cited()]) for piece in pieces), writing.end()])
        tokens = rendered(content)
        links = [token.attrs["href"] for token in tokens if token.type == "link_open"]
        assert links == ["http://s/documents/d/view#1-2"]
        assert sum(token.type == "strong_open" for token in tokens) == 1 and content.count(HEADING) == 1
        assert not {token.type for token in tokens} & {"image", "heading_open", "html_inline", "html_block", "fence"}
        (annotation,) = writing.annotations()
        at = annotation.url_citation
        assert content[at.start_index : at.end_index] == "[1]" and content.count("[1]") == 1


@pytest.mark.parametrize("after", ["(http://evil.example)", ": http://evil.example", "[a]", "(/v1)"])
def test_what_follows_a_marker_makes_no_link_of_it(after: str) -> None:
    writing = Writing("http://s/")
    text = writing.piece("甲。[1]", [cited()]) + writing.piece(f"{after}乙。[1]", [cited()])
    assert {token.type for token in rendered(text)} <= _INERT
    assert text.count("[1]") == 2


@pytest.mark.parametrize(
    "text",
    [
        "2023年，A_b_c 增长 5% (约 3-4 倍)：a < b > c。",
        "AT&T 与 x.y | 1.5 倍; #1 位 | 甲",
        "1. 一\n2. 二\n- 三",
        "-12 度",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert neutralise_markdown(text) == text


def test_a_long_line_is_no_start_of_a_line() -> None:
    writing = Writing("http://s/")
    assert writing.piece("甲" * 300, []) + writing.piece("# 乙", []) == "甲" * 300 + "# 乙"


@pytest.mark.parametrize("title", ["](http://evil.example) **参考来源**", "![x](y)\n\n# 头", "<b>", "a\\", "`x` & [1]"])
def test_a_title_is_the_words_of_one_link(title: str) -> None:
    writing = Writing("http://s/")
    content = writing.piece("甲。[1]", [cited(title=title)]) + writing.end()
    tokens = rendered(content)
    assert [token.attrs["href"] for token in tokens if token.type == "link_open"] == ["http://s/documents/d/view#1-2"]
    assert sum(token.type == "strong_open" for token in tokens) == 1
    assert not {token.type for token in tokens} & {"image", "heading_open", "html_inline", "code_inline"}


@pytest.mark.parametrize("stream", [False, True])
def test_a_chat_about_a_hostile_document_shows_its_text_alone(
    client: TestClient, engine: ScriptedEngine, stream: bool
) -> None:
    engine.held.clear()
    engine.add(
        [Document("d", "代表团于3月5日提交![建议](http://evil.example/a.png)<img src=x>。", title="**参考来源**")]
    )
    body: Any = {"model": "chengyu-rag", "messages": [{"role": "user", "content": "代表团什么时候提交建议?"}]}
    reply = client.post("/v1/chat/completions", json=body | {"stream": stream})
    if stream:
        lines = [line.removeprefix("data: ") for line in reply.text.split("\n\n") if line.startswith("data: {")]
        content = "".join(json.loads(line)["choices"][0]["delta"]["content"] for line in lines)
    else:
        content = reply.json()["choices"][0]["message"]["content"]
    tokens = rendered(content)
    assert not {token.type for token in tokens} & {"image", "html_inline", "html_block"}
    assert sum(token.type == "link_open" for token in tokens) == content.count(HEADING) == 1
    assert "!［建议］" in content  # the text can still be read


def test_what_front_ends_ask_for_themselves_stays_json(client: TestClient) -> None:
    prompt = (
        "### Task:\nGenerate a concise title for the chat.\n### Output:\nJSON format only: {\"title\": \"…\"}\n"
        "<chat_history>\nUSER: 大桥[1]多长?\n</chat_history>"
    )  # fmt: skip
    body = {"model": "chengyu-rag", "messages": [{"role": "user", "content": prompt}]}
    content = client.post("/v1/chat/completions", json=body).json()["choices"][0]["message"]["content"]
    assert content.startswith('{"title": ')
