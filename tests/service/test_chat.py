"""``/v1`` as a front end sees it: the form of the text, of annotations and of chunks; what is tolerated; errors."""

import json
from dataclasses import replace
from typing import Any

import pytest
from scripted_engine import ARTICLE, ScriptedEngine
from starlette.testclient import TestClient

from rag.types import Citation, Document, Turn
from service.chat.writing import HEADING, Writing

QUESTION = "代表团什么时候提交建议?"
QUOTE = "代表团于3月5日提交建议。"
VIEW = "http://testserver/documents/seed-1/view#2-15"


def asked(engine: ScriptedEngine) -> tuple[str, tuple[Turn, ...]]:
    """The last question that reached the engine, and its history."""
    called: Any = [call for name, call in engine.calls if name == "ask"][-1]
    assert called[2:] == (5, None)
    return called[0], called[1]


def ask(client: TestClient, *messages: Any, **more: Any) -> Any:
    turns = [{"role": "user", "content": each} if isinstance(each, str) else each for each in messages]
    return client.post("/v1/chat/completions", json={"model": "chengyu-rag", "messages": turns, **more})


def events(text: str) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_the_plain_reply(client: TestClient) -> None:
    reply = ask(client, QUESTION).json()
    message = reply["choices"][0]["message"]
    assert message["content"] == f"{QUOTE}[1]\n\n{HEADING}\n\n1. [协同创新建议]({VIEW})"
    (annotation,) = message["annotations"]
    cited = annotation["url_citation"]
    assert (annotation["type"], cited["url"], cited["title"]) == ("url_citation", VIEW, "协同创新建议")
    assert message["content"][cited["start_index"] : cited["end_index"]] == "[1]"
    assert reply["search_results"] == [{"title": "协同创新建议", "url": VIEW, "snippet": QUOTE, "date": None}]
    assert "citations" not in reply
    assert reply["object"] == "chat.completion" and reply["model"] == "chengyu-rag"
    assert reply["usage"]["total_tokens"] == len(QUESTION) + len(message["content"])
    assert ARTICLE.text[2 : 2 + len(QUOTE)] == QUOTE


def test_the_stream_says_the_same(client: TestClient) -> None:
    plain = ask(client, QUESTION).json()
    response = ask(client, QUESTION, stream=True, stream_options={"include_usage": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    *chunks, end, usage = events(response.text)
    deltas = [each["choices"][0]["delta"] for each in chunks]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert "".join(each["content"] for each in deltas) == plain["choices"][0]["message"]["content"]
    assert end["choices"][0]["finish_reason"] == "stop"
    annotations = plain["choices"][0]["message"]["annotations"]
    assert end["choices"][0]["delta"] == {"content": "", "annotations": annotations}
    assert chunks[-1]["search_results"] == plain["search_results"]
    assert "search_results" not in chunks[1]  # its marker comes with the next piece
    assert usage["choices"] == [] and usage["usage"] == plain["usage"]
    assert {each["usage"] for each in [*chunks, end]} == {None}
    assert len({each["id"] for each in [*chunks, end, usage]}) == 1


def test_no_usage_where_nobody_asks_for_it(client: TestClient) -> None:
    for options in ({}, {"stream_options": None}, {"stream_options": {"include_usage": False}}):
        found = events(ask(client, QUESTION, stream=True, **options).text)
        assert all(each["choices"] and "usage" not in each for each in found)


def test_a_refusal_is_a_plain_sentence(client: TestClient) -> None:
    reply = ask(client, "x").json()
    message = reply["choices"][0]["message"]
    assert message["content"] == "文档中没有相关内容。"
    assert message["annotations"] == [] and reply["search_results"] == []
    *_, end = events(ask(client, "x", stream=True).text)
    assert end["choices"][0]["delta"] == {"content": ""}


def test_the_public_url_is_what_links_begin_with(make_client: Any) -> None:
    client = make_client(public_url="https://example.org/rag/")
    reply = ask(client, QUESTION).json()
    assert reply["search_results"][0]["url"] == "https://example.org/rag/documents/seed-1/view#2-15"


def citation(marker: int, url: str | None, start: int = 0, title: str = "题") -> Citation:
    return Citation(marker, "d/1 甲", "c", title, None, url, "2026-05-01", f"话{start}", start, start + 2, 1.0, (0,))


def written(writing: Writing, pieces: list[str], cited: list[Citation]) -> str:
    return "".join([*(writing.piece(piece, cited) for piece in pieces), writing.end()])


def test_citations_of_one_url_are_one_source() -> None:
    other = citation(3, "https://a.example/b (2)", title="a [b] *c*")
    writing = Writing("http://s/")
    cited = [citation(1, "https://a.example/1"), citation(2, "https://a.example/1", 5), other]
    text = written(writing, ["甲[1]", "\n乙[2][1]", "\n丙[3]、见[9]"], cited)
    assert text.startswith("甲[1]\n乙[1]\n丙[2]、见［9］\n\n")
    assert text.endswith("1. [题](https://a.example/1)\n2. [a ［b］ ＊c＊](https://a.example/b%20%282%29)")
    assert [each.snippet for each in writing.results()] == ["话0 … 话5", "话0"]
    assert [each.url_citation.start_index for each in writing.annotations()] == [1, 11]
    assert text[11:14] == "[2]"


@pytest.mark.parametrize("url", [None, "", "javascript:alert(1)", "data:text/html,x", "ftp://a.example/x", "https:///"])
def test_each_span_of_a_document_without_a_url_is_a_source(url: str | None) -> None:
    writing = Writing("http://s/")
    written(writing, ["甲[1]乙[2]"], [citation(1, url), citation(2, url, 5)])
    view = "http://s/documents/d%2F1%20%E7%94%B2/view"
    assert [each.url for each in writing.results()] == [f"{view}#0-2", f"{view}#5-7"]


def test_sources_of_one_title_are_told_apart() -> None:
    same = replace(citation(4, None, 5), document_id="another")
    writing = Writing("http://s/")
    cited = [citation(1, None), citation(2, None, 5), citation(3, None, 9, title="另一题"), same]
    text = writing.piece("甲[1]乙[2]丙[3]丁[4]", cited) + writing.end()
    titles = ["题 · 话0…", "题 · 话5… (2)", "另一题", "题 · 话5… (4)"]
    assert [each.title for each in writing.results()] == titles
    assert [each.url_citation.title for each in writing.annotations()] == titles
    assert all(f"{number}. [{title}](http://s/" in text for number, title in enumerate(titles, 1))


def test_a_source_whose_span_grows_keeps_its_number() -> None:
    writing, second = Writing("http://s/"), citation(2, "https://a.example/1")
    assert writing.piece("甲[1]", [citation(1, None)]) == "甲[1]"
    assert writing.piece("乙[2]", [citation(1, None), second]) == "乙[2]"
    assert [each.url for each in writing.results()] == ["http://s/documents/d%2F1%20%E7%94%B2/view#0-2", second.url]
    grown = replace(citation(1, None), end=9, quote="话0话1")
    assert writing.piece("丙[1][3]", [grown, second, replace(second, marker=3)]) == "丙[1][2]"
    assert writing.results()[0].snippet == "话0话1"
    assert writing.end().endswith(
        "1. [题 · 话0话1…](http://s/documents/d%2F1%20%E7%94%B2/view#0-9)\n2. [题 · 话0…](https://a.example/1)"
    )
    assert [each.url_citation.start_index for each in writing.annotations()] == [1, 5]


def test_the_conversation_is_the_history(client: TestClient, engine: ScriptedEngine) -> None:
    answer = ask(client, QUESTION).json()["choices"][0]["message"]["content"]
    ask(
        client,
        {"role": "system", "content": "You are helpful."},
        QUESTION,
        {"role": "assistant", "content": answer},
        {"role": "tool", "content": "x", "tool_call_id": "y"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "那项目\u0000呢?"}, {"type": "image_url", "image_url": {}}],
        },
    )
    question, history = asked(engine)
    assert question == "那项目 呢?"
    assert [(turn.role, turn.content) for turn in history] == [("user", QUESTION), ("assistant", f"{QUOTE}[1]")]


def test_what_is_long_is_cut(client: TestClient, engine: ScriptedEngine) -> None:
    turns = [{"role": role, "content": f"{n}" + "长" * 10_000} for n in range(40) for role in ("user", "assistant")]
    assert ask(client, *turns, "前" * 5000 + QUESTION).status_code == 200
    question, history = asked(engine)
    assert len(question) == 2000 and question.endswith(QUESTION)
    assert len(history) == 20 and history[0].content.startswith("30长")
    assert 3990 < max(len(turn.content) for turn in history) <= 4000


@pytest.mark.parametrize(
    "more",
    [
        {"temperature": 0.7, "tools": [{"type": "function"}], "tool_choice": "auto", "n": 1, "max_tokens": 5},
        {"stream": None, "stream_options": None, "metadata": {"a": 1}, "seed": 1, "user": "x", "stop": ["x"]},
        {"model": None},
        {"parallel_tool_calls": True, "response_format": {"type": "text"}, "reasoning_effort": "high"},
    ],
)
def test_unknown_fields_are_tolerated(client: TestClient, more: dict[str, Any]) -> None:
    assert ask(client, QUESTION, **more).json()["search_results"]


@pytest.mark.parametrize("content", ["", " \n", None, [], [{"type": "image_url", "image_url": {"url": "data:,"}}]])
def test_without_words_it_asks_for_some(client: TestClient, engine: ScriptedEngine, content: Any) -> None:
    reply = ask(client, {"role": "user", "content": content})
    assert "Please ask in words." in reply.json()["choices"][0]["message"]["content"]
    assert not engine.calls


def test_models(client: TestClient) -> None:
    (model,) = client.get("/v1/models").json()["data"]
    assert model["id"] == "chengyu-rag" and client.get("/v1/models/chengyu-rag").json() == model


def assert_error(response: Any, status: int, code: str, param: str | None = None) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    error = response.json()["error"]
    assert set(response.json()) == {"error"} and set(error) == {"message", "type", "param", "code"}
    assert (error["code"], error["param"]) == (code, param) and error["message"]


def test_errors_have_openais_shape(make_client: Any, engine: ScriptedEngine) -> None:
    client = make_client()
    path, json_type = "/v1/chat/completions", {"Content-Type": "application/json"}
    assert_error(ask(client, QUESTION, model="gpt-4o"), 404, "model_not_found", "model")
    assert_error(client.get("/v1/models/gpt-4o"), 404, "model_not_found", "model")
    assert_error(client.post("/v1/embeddings", json={}), 404, "not_found")
    assert_error(client.get("/v1"), 404, "not_found")
    wrong = client.get(path)
    assert_error(wrong, 405, "method_not_allowed")
    assert wrong.headers["allow"] == "POST"
    assert_error(ask(client, "x" * (4 * 2**20)), 413, "content_too_large")
    assert_error(client.post(path, content=b"x", headers={"Content-Type": "text/plain"}), 415, "unsupported_media_type")
    for body in (b"{", b'{"messages": "\\ud800"}', b"\xff", b'{"a": NaN}'):
        assert_error(client.post(path, content=body, headers=json_type), 422, "invalid_input")
    assert_error(client.post(path, json={}), 422, "invalid_input", "messages")
    assert_error(client.post(path, json={"messages": []}), 422, "invalid_input", "messages")
    assert_error(ask(client, {"role": "user", "content": 1}), 422, "invalid_input", "messages[0].content.str")
    assert_error(ask(client, QUESTION, stream="yes"), 422, "invalid_input", "stream")
    assert_error(client.get("/v1/models", headers={"Host": "evil.example"}), 421, "misdirected_request")
    engine.fails = KeyError("secret")
    failed = ask(client, QUESTION)
    assert_error(failed, 500, "internal_error")
    assert failed.json()["error"]["type"] == "server_error" and "secret" not in failed.text


def test_not_ready_says_when_to_come_back(make_client: Any) -> None:
    def never(settings: Any, say: Any) -> Any:
        raise OSError(5, "Input/output error")

    response = ask(make_client(opener=never), QUESTION, stream=True)
    assert_error(response, 503, "not_ready")
    assert int(response.headers["retry-after"]) > 0


def test_a_title_with_markdown_stays_one_link(make_client: Any, engine: ScriptedEngine) -> None:
    engine.held.clear()
    engine.add([Document("a](http://evil.example)", QUOTE, title="](http://evil.example) <b>\\")])
    content = ask(make_client(), QUESTION).json()["choices"][0]["message"]["content"]
    assert content.endswith(
        "1. [］(http：//evil.example) ＜b>＼](http://testserver/documents/a%5D%28http%3A%2F%2Fevil.example%29/view#0-13)"
    )
