"""The ``openai`` package against the service on a socket."""

import time
from collections.abc import Iterator

import openai
import pytest
from scripted_engine import ScriptedEngine
from socket_server import Served

from service.chat.writing import HEADING
from service.settings import Settings

QUESTION = "代表团什么时候提交建议?"


@pytest.fixture
def served(engine: ScriptedEngine) -> Iterator[Served]:
    with Served(engine, Settings(search_threads=2)) as running:
        yield running


@pytest.fixture
def client(served: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="any", max_retries=0) as made:
        yield made


def test_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["chengyu-rag"]
    assert client.models.retrieve("chengyu-rag").object == "model"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4o")


def test_plain_and_streamed(client: openai.OpenAI, served: Served) -> None:
    plain = client.chat.completions.create(model="chengyu-rag", messages=[{"role": "user", "content": QUESTION}])
    message = plain.choices[0].message
    assert message.content and HEADING in message.content
    assert message.annotations and plain.usage and plain.usage.total_tokens > 0
    cited = message.annotations[0].url_citation
    assert cited.url == f"{served.url}/documents/seed-1/view#2-15"
    assert message.content[cited.start_index : cited.end_index] == "[1]"

    chunks = list(
        client.chat.completions.create(
            model="chengyu-rag",
            messages=[{"role": "user", "content": QUESTION}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == message.content
    assert chunks[-1].choices == [] and chunks[-1].usage == plain.usage
    end = chunks[-2].choices[0]
    assert end.finish_reason == "stop"
    assert (end.delta.model_extra or {})["annotations"] == [each.model_dump() for each in message.annotations]


def test_the_stream_helper_builds_the_same_completion(client: openai.OpenAI) -> None:
    plain = client.chat.completions.create(model="chengyu-rag", messages=[{"role": "user", "content": QUESTION}])
    with client.chat.completions.stream(
        model="chengyu-rag", messages=[{"role": "user", "content": QUESTION}], temperature=0
    ) as stream:
        kinds = {event.type for event in stream}
        built = stream.get_final_completion()
    assert "content.delta" in kinds and "content.done" in kinds
    assert built.choices[0].message.content == plain.choices[0].message.content
    assert built.choices[0].finish_reason == "stop"


def test_errors_are_those_of_openai(client: openai.OpenAI, engine: ScriptedEngine) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "x"}])
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.UnprocessableEntityError) as empty:
        client.chat.completions.create(model="chengyu-rag", messages=[])
    assert empty.value.param == "messages" and "messages" in str(empty.value)
    engine.fails = KeyError("secret")
    with pytest.raises(openai.InternalServerError) as broken:
        client.chat.completions.create(model="chengyu-rag", messages=[{"role": "user", "content": "x"}], stream=True)
    assert broken.value.type == "server_error"


def test_a_cancelled_stream_harms_nobody(
    client: openai.OpenAI, served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        stream = client.chat.completions.create(
            model="chengyu-rag", messages=[{"role": "user", "content": QUESTION}], stream=True
        )
        next(iter(stream))
        stream.close()
    time.sleep(0.1)
    assert served.call("GET", "/livez")[0] == 200
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]
    again = client.chat.completions.create(model="chengyu-rag", messages=[{"role": "user", "content": QUESTION}])
    assert again.choices[0].message.content
