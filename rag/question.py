"""What is asked: the single questions in a text, the kind of answer each wants, its language.

No model is asked; follow-ups are resolved by ``rag.followup`` first.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rag.courtesies import is_small_talk, strip_courtesies
from rag.followup import Similarity, resolve, subjects, topics
from rag.gloss import gloss
from rag.grammar import ASKS, ASKS_PLAINLY, HAN, HOW_MUCH, PRONOUN
from rag.text import fold
from rag.types import Turn

Kind = Literal["number", "date", "person", "organisation", "place", "list", "reason", "yesno", "other"]
Language = Literal["zh", "zh-Hant", "en"]


@dataclass(frozen=True, slots=True)
class Single:
    """One question: as it is asked, in the Chinese words it is matched by, and the kind of answer it asks for."""

    text: str
    words: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Query:
    """A question ready to be searched, and the single questions it is made of."""

    text: str
    parts: tuple[Single, ...]
    language: Language
    said: str = ""  # where it asks for more: what the earlier answers said
    small_talk: bool = False  # nothing is asked: a greeting, thanks, who are you; there are no parts then


_COMPLEMENT = "(?<![称转变改换分视译定列选升名释成认作])"  # of 转为什么制度: 为 belongs to the verb
# Closed classes of the language, not topics. The first that matches names the kind.
_PATTERNS: dict[Kind, str] = {
    "reason": rf"{_COMPLEMENT}为[什甚]么|为何|为啥|何以|[什甚]么原因|原因是|\bwhy\b",
    "date": r"何时|几时|[什甚]么时[候间]|啥时候|哪一?(年|月|天|日|个月|个年代|个世纪)|几[年月日号](?!龄)"
    r"|(日期|时间)(是|为|:)|\bwhen\b|\bwhat (year|date|month|day|time)\b|\bwhich (year|month|day)\b",
    "number": rf"{HOW_MUCH}|占比|比例|百分之|\bhow (many|much|long|far|old|large|big|high)\b",
    "list": r"哪些|有哪|哪[两二三四五六七八九十几]|分别|包括[什甚]么|包括哪|列举"
    r"|\bwhich [a-z -]*s\b|\bwhat are\b|\blist\b",
    "person": r"谁|何人|哪一?(位|名)|[什甚]么人|(姓名|名字)是[什甚]么|\bwho(m|se)?\b",
    "organisation": r"哪一?(家|所)|(哪|[什甚]么)个?(机构|公司|部门|单位|组织|大学|学校|企业|团体|媒体|政府|球队)"
    r"|\bwhich (company|organi[sz]ation|university|agency|department|institution)\b",
    "place": r"哪[里儿边]|何处|何地|[什甚]么地[方点]|哪一?[个座]?(地方|城市|国家|省|市|县|区|州|国)|\bwhere\b",
    "yesno": r"(?:吗|(?<![什甚怎那这多])么)(?=[?？。!！\s]*$)|是不是|是否|有没有|能不能|会不会|可不可以"
    r"|^(is|are|was|were|do|does|did|has|have|can|will)\b",
}
_KINDS = {kind: re.compile(pattern) for kind, pattern in _PATTERNS.items()}
_BORDER = re.compile(r"(?<=[?？])|[,，;；。](?:以及|并且|同时|另外|还有|而)?|、(?=谁|[什甚]么|哪|多少)")


def understand(
    question: str,
    history: Sequence[Turn] = (),
    similarity: Similarity | None = None,
    known: Callable[[str], bool] = lambda word: True,
) -> Query:
    """Resolve ``question`` against ``history`` and say what it asks.

    ``similarity`` compares two short phrases (higher is nearer); it chooses what an ellipsis stands for. Without it,
    shared characters decide. ``known`` says whether the documents hold a Chinese word; it chooses translations.
    """
    if is_small_talk(question):
        return Query(question.strip(), (), language_of(question), small_talk=True)
    turns = [replace(turn, content=strip_courtesies(turn.content)) if turn.role == "user" else turn for turn in history]
    text, more = resolve(strip_courtesies(question), turns, similarity)
    said = " ".join(turn.content for turn in history if turn.role == "assistant") if more else ""
    return Query(text, tuple(single(part, known) for part in _parts(text)), language_of(question), said)


def single(text: str, known: Callable[[str], bool] = lambda word: True) -> Single:
    """``text`` as one question, without a conversation."""
    kind = kind_of(text)
    return Single(text, text if HAN.search(text) else gloss(text, kind, known) or text, kind)


def kind_of(question: str) -> Kind:
    """The kind of answer that a single question asks for."""
    folded = fold(question)
    return next((kind for kind, pattern in _KINDS.items() if pattern.search(folded)), "other")


def language_of(text: str) -> Language:
    """Chinese where a Chinese character stands in it, Traditional where one of them has a simpler form."""
    han = "".join(HAN.findall(text))
    return ("zh" if fold(han) == han else "zh-Hant") if han else "en"


def _parts(text: str) -> tuple[str, ...]:
    """The single questions of ``text``; a later one that names no subject gets the first one's."""
    pieces = [p.strip(" ,，;；") for p in _BORDER.split(text)]
    pieces = [p for p in pieces if p]
    whole: list[str] = []
    for piece in pieces:  # a clause that asks nothing belongs to the question it stands before, or after the last one
        ended = bool(whole) and whole[-1].endswith(("?", "？"))
        asks = ASKS if ended else ASKS_PLAINLY
        if whole and not (asks.search(fold(whole[-1])) and asks.search(fold(piece))):
            whole[-1] = f"{whole[-1]},{piece}"
        else:
            whole.append(piece)
    if len(whole) < 2 or len(whole) > 3:
        return (text,)
    subject = next(iter(topics(whole[0])), "")
    rest = []
    for piece in whole[1:]:
        found = PRONOUN.search(fold(piece))
        if found and subject:
            piece = piece[: found.start()] + subject + piece[found.end() :]
        elif subject and not subjects(piece):
            piece = subject + piece
        rest.append(piece)
    return (whole[0], *rest)
