"""What front ends ask of a model on their own account: a title for the chat, tags, suggestions, a better query.

They come as chat messages like a person's, but nothing is to be searched for them. No product's prompt is known here.
They are told by what such an instruction must hold: the conversation as a thing to look at (a transcript in tags, or
words for it), a product of a kind that nobody asks documents for, and the form that a program needs to read it.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from rag.types import Turn
from service.chat.conversation import words
from service.chat.schemas import Message

_TALKING = ("user", "assistant")
_LONGEST_TITLE = 20  # characters
_LOOKED_AT = 4000  # of a text's characters, at either end, where instructions stand

_TRANSCRIPT = re.compile(
    r"<\s{0,9}(?:chat[_ -]?history|conversation|history|messages|transcript|text|input)\b[^<>]{0,200}>"
    r"|^[^\w\n]{0,20}(?:chat|conversation|message)s? history[^\w\n]{0,20}$"
    r"|\"role\"\s{0,9}:\s{0,9}\"(?:user|assistant)\"|\"\"\"|```",
    re.I | re.M,
)
_SPEAKS_FIRST = re.compile(r"^(?:user|human|用户)[^\S\n]{0,9}[::]", re.I | re.M)
_SPEAKS_NEXT = re.compile(r"^(?:assistant|ai|助手)[^\S\n]{0,9}[::]", re.I | re.M)
_ENCLOSED = re.compile(r"</\s{0,9}(?:chat[_ -]?history|conversation|history|messages|transcript)\s{0,9}>", re.I)
_ABOUT = re.compile(
    r"\b(?:chat|conversations?|dialogues?|discussion|speaker|messages?|sentence|follow[- ]?up)\b"
    r"|对话|聊天|会话|這句話|这句话|對話",
    re.I,
)
_PRODUCT = re.compile(
    r"\b(?:generate|create|write|give|suggest|return|provide|extract|name|propose|produce|summari[sz]e|output)\w*\b"
    r"[^.\n]{0,80}?\b(?:titles?|topics?|tags?|labels?|keywords?|follow[- ]?ups?|quick[- ]repl(?:y|ies)|emojis?"
    r"|(?:search )?quer(?:y|ies)|prompts?|summary)\b"
    r"|\bsummari[sz]\w+\b[^.\n]{0,60}\b(?:conversation|discussion|chat|dialogue)"
    r"|\b(?:conversation|discussion|chat|dialogue)s?\b[^.\n]{0,20}\bsummari[sz]er?"
    r"|\b(?:rephras|rewrit|reformulat)\w+\b[^.\n]{0,80}\b(?:question|quer(?:y|ies))"
    r"|\bstandalone (?:question|query)\b|\bautocomplet\w+|\bfitting emoji\b|\btool_calls\b"
    r"|(?:生成|返回|总结|總結|概括|提取|拟|起|给出|給出|推荐|推薦|提出|写|寫)[^。\n]{0,30}"
    r"(?:标题|標題|主题|主題|标签|標籤|关键词|關鍵詞|追问|追問|后续问题|後續問題|摘要|查询|查詢|表情)"
    r"|(?:总结|總結|概括)[^。\n]{0,10}(?:对话|對話|聊天|会话)"
    r"|(?:改写|改寫|重写|重寫|复述)[^。\n]{0,30}(?:问题|問題|查询|查詢)",
    re.I,
)
_FORM = re.compile(
    r"\bjson\b|\bxml\b|\bonly\b|\bno (?:extra|explanation|punctuation|other|additional)\b"
    r"|\bwithout (?:any|punctuation|quot)|\bdo not (?:use|include|add|output)\b"
    r"|\b(?:within|in|maximum|up to|or less|less than|under|limited to)\b[^.\n]{0,20}\b(?:words?|characters?|tokens?)\b"
    r"|\b[0-9]{1,4}\s{0,3}[-–]\s{0,3}[0-9]{1,4} words?\b|\bwords? or less\b"
    r"|不要(?:解释|解釋|标点|標點|语气|語氣|多余|多餘|加粗|使用|包含|输出|輸出)"
    r"|直接返回|只(?:返回|输出|輸出|回复)|仅(?:返回|输出)|[个個]?字(?:以内|以內|之内|左右)",
    re.I,
)
_REPHRASED = re.compile(
    r"\b(?:rephras|rewrit|reformulat)\w+|\bstandalone (?:question|query)|改写|改寫|重写|重寫|复述", re.I
)
_EMOJI = re.compile(r"\bfitting emoji\b|\bemoji only\b|表情", re.I)
_SHAPE = re.compile(r"\{\s{0,99}\"(?!role\b|content\b)(\w{1,99})\"\s{0,99}:\s{0,99}(\[|\")")
_ASKED = re.compile(
    r"^(?:user|human|用户)[^\S\n]{0,9}[::][^\S\n]{0,9}(\S.*)$"
    r"|\"content\"\s{0,9}:\s{0,9}\"((?:[^\"\\]|\\.){1,4000})\""
    r"|^[^\w\n]{0,20}follow[- ]?up (?:question|input|query)[^\S\n]{0,9}:[^\S\n]{0,9}(\S.*)$",
    re.I | re.M,
)
_NOT_WORDS = re.compile(r"[\s\"'“”‘’「」『』《》?？!！。.,,、:;：；`#*\[\]{}<>]+")


def reply(messages: Sequence[Message], response_format: Any = None) -> str | None:
    """What to answer to a front end's own request; None where a person asks."""
    spoken = [each for each in messages if words(each)]
    if not spoken:
        return None
    last = _ends(words(spoken[-1]))
    system = next((_ends(words(each)) for each in spoken if each.role in ("system", "developer")), "")
    turns = [Turn("user" if m.role == "user" else "assistant", _ends(words(m))) for m in spoken if m.role in _TALKING]
    instruction = _instruction(last, system, turns, alone=spoken[-1].role not in _TALKING)
    if instruction is None:
        return None
    return _shaped(instruction, response_format, _said(last, instruction, turns))


def _ends(text: str) -> str:
    return text if len(text) <= 2 * _LOOKED_AT else f"{text[:_LOOKED_AT]}\n{text[-_LOOKED_AT:]}"


def _holds_transcript(text: str) -> bool:
    """Say whether a conversation stands in the text: in tags, as JSON, or as lines of two speakers."""
    if _TRANSCRIPT.search(text):
        return True
    first = _SPEAKS_FIRST.search(text)
    return first is not None and _SPEAKS_NEXT.search(text, first.end()) is not None


def _instruction(last: str, system: str, turns: Sequence[Turn], *, alone: bool) -> str | None:
    """The text that asks for a product about the conversation, where there is one."""
    if alone:  # an instruction as system message after a conversation
        return last if _PRODUCT.search(last) and _ABOUT.search(last) else None
    if len(turns) == 1:
        if _PRODUCT.search(last) and _holds_transcript(last) and (_FORM.search(last) or _SHAPE.search(last)):
            return last
        # A conversation between tags and a form of JSON to be filled: whatever it is that is asked for.
        if _ENCLOSED.search(last) and _SHAPE.search(last) and _FORM.search(last):
            return last
        if _PRODUCT.search(system) and _ABOUT.search(system) and (_FORM.search(system) or _holds_transcript(system)):
            return f"{system}\n{last}"
        return None
    # The front end's words as the last message of the conversation itself: told from a person's by how much form
    # they demand.
    many = len(set(_FORM.findall(last))) >= 2
    return last if many and _PRODUCT.search(last) and _ABOUT.search(last) else None


def _said(last: str, instruction: str, turns: Sequence[Turn]) -> str:
    """What the conversation is about: the question to rephrase, or what was first asked."""
    found: list[str] = [next(filter(None, each)) for each in _ASKED.findall(instruction if len(turns) == 1 else "")]
    asked = [turn.content for turn in turns if turn.role == "user" and turn.content != last]
    if _REPHRASED.search(instruction):
        return (found or [last])[-1].strip()
    return (asked or found or [""])[0].strip()


def _shaped(instruction: str, response_format: Any, said: str) -> str:
    """A reply of the form that is asked for, with as little in it as can be."""
    schema = _schema(response_format)
    if schema is not None:
        return json.dumps({name: _least(part, said) for name, part in schema.items()}, ensure_ascii=False)
    if found := _SHAPE.search(instruction):
        title = re.search("title|topic|name", found[1], re.I)
        return json.dumps({found[1]: [] if found[2] == "[" else _title(said) if title else ""}, ensure_ascii=False)
    if _REPHRASED.search(instruction):
        return said
    return "💬" if _EMOJI.search(instruction) else _title(said)


def _schema(response_format: Any) -> dict[str, Any] | None:
    given = response_format if isinstance(response_format, dict) else {}
    named = given.get("json_schema")
    schema = named.get("schema") if isinstance(named, dict) else None
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return properties if isinstance(properties, dict) else None


def _least(part: Any, said: str) -> Any:
    kind = part.get("type") if isinstance(part, dict) else None
    return {"array": [], "object": {}, "number": 0, "integer": 0, "boolean": False}.get(str(kind), _title(said))


def _title(said: str) -> str:
    return _NOT_WORDS.sub(" ", said).strip()[:_LONGEST_TITLE].strip() or "对话"
