"""The shapes of ``/v1``. Front ends send fields of many models: unknown ones are taken and ignored."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from service.schemas import Reply

MODEL = "chengyu-rag"
MOST_MESSAGES = 40
MOST_PARTS = 40  # of one message
LONGEST_TEXT = 4000  # characters of one message, or of a part


class Lenient(BaseModel):
    """Base of what is sent."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class Message(Lenient):
    """One message; of the parts of a content those of text count."""

    role: str = Field(examples=["user"])
    content: str | list[str | dict[str, JsonValue]] | None = None


class StreamOptions(Lenient):
    """What a stream holds besides."""

    include_usage: bool | None = Field(default=False, description="a chunk with the usage before the end")


class ChatRequest(Lenient):
    """A conversation; the last message of the user is the question, up to twenty before it are its history."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"model": MODEL, "messages": [{"role": "user", "content": "川渝签订了什么协议?"}]}],
        }
    )

    model: str | None = Field(default=MODEL, description=f"{MODEL}, the only one")
    messages: list[Message] = Field(min_length=1)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    response_format: JsonValue = Field(default=None, description="minded only where a front end asks for a title or so")

    @field_validator("messages", mode="before")
    @classmethod
    def cut_messages(cls, given: Any) -> Any:
        """Keep the first system message and the last messages, cut, so that only they are validated and read."""
        return cut_messages(given) if isinstance(given, list) else given


def cut_messages(messages: list[Any]) -> list[Any]:
    """Return the first system message and the last ``MOST_MESSAGES``, with their texts cut to ``LONGEST_TEXT``.

    What is not shaped like a message is left for the validation to refuse.
    """
    last = messages[-MOST_MESSAGES:]
    earlier = messages[:-MOST_MESSAGES]
    system = next((m for m in earlier if isinstance(m, dict) and m.get("role") in ("system", "developer")), None)
    return [_cut_message(each) for each in ([] if system is None else [system]) + last]


def _cut_message(message: Any) -> Any:
    if not isinstance(message, dict):
        return message
    content = message.get("content")
    if isinstance(content, str):
        return {**message, "content": _cut_text(content)}
    if isinstance(content, list):
        return {**message, "content": [_cut_part(part) for part in content[-MOST_PARTS:]]}
    return message


def _cut_part(part: Any) -> Any:
    if isinstance(part, str):
        return _cut_text(part)
    if isinstance(part, dict) and isinstance(part.get("text"), str):
        return {**part, "text": _cut_text(part["text"])}
    return part


def _cut_text(text: str) -> str:
    """Cut a long text in its middle: an instruction stands at its beginning, a question at its end."""
    if len(text) <= LONGEST_TEXT:
        return text
    half = LONGEST_TEXT // 2
    return f"{text[: half - 1]}\n{text[-half:]}"


class ModelOut(Reply):
    """A model that can be named."""

    id: str = MODEL
    object: Literal["model"] = "model"
    created: int = 1_767_225_600
    owned_by: str = MODEL


class ModelList(Reply):
    """All of them."""

    object: Literal["list"] = "list"
    data: list[ModelOut]


class UrlCitation(Reply):
    """A source, and where in the content its first marker stands, in code points."""

    url: str
    title: str
    start_index: int
    end_index: int


class Annotation(Reply):
    """One a source, in the order of markers."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class SearchResult(Reply):
    """A source that is cited."""

    title: str
    url: str
    snippet: str = Field(description="what is quoted of it")
    date: str | None


class Said(Reply):
    """The answer; it ends with the list of its sources."""

    role: Literal["assistant"] = "assistant"
    content: str
    annotations: list[Annotation]
    refusal: None = None


class Choice(Reply):
    """There is always one."""

    index: Literal[0] = 0
    message: Said
    logprobs: None = None
    finish_reason: Literal["stop"] = "stop"


class Usage(Reply):
    """Characters, not tokens: there need be no language model that counts any."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatReply(Reply):
    """A whole reply."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str = MODEL
    choices: list[Choice]
    usage: Usage
    search_results: list[SearchResult]


class Failure(BaseModel):
    """What went wrong, as OpenAI says it."""

    message: str
    type: str = Field(examples=["invalid_request_error"])
    param: str | None
    code: str | None = Field(examples=["model_not_found"])


class Failed(BaseModel):
    """Every error reply below ``/v1``."""

    error: Failure


FAILED: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Failed"}}
