"""Follow-ups resolved from the conversation, without a model.

A follow-up is seen by its form (a pronoun, an ellipsis, a question that names no subject); what it lacks is taken from
the earlier questions, and from the answers only where those give nothing.
"""

import re
from collections.abc import Callable, Sequence

import rjieba

from rag.grammar import ASKS, HAN, PRONOUN
from rag.text import fold
from rag.types import Turn

Similarity = Callable[[str, str], float]

_DEMONSTRATIVE = re.compile(
    r"(?:[该此](?![外后前次时])|[这那][一两几]?(?:个|家|项|座|所|位|份|条|种|些))(?:个|家|项|座|所|位|份|条|种|些)?(?=[一-鿿])"
)
_ATTRIBUTE = re.compile(r"^(?:是|为|有)?(?:谁|什么|多少|哪|几|多[大高长少远久])[^的]{0,4}$")
_MEASURED = re.compile(r"^(?:是|为|有)?(?:谁|多少|几|多[大高长少远久])[^的]{0,4}$")
_AND_X = re.compile(
    r"^(?:那么?|还有|至于|and|(?:so )?what about|how about)?[,，\s]*(.{1,40}?)(?:又?呢|怎么样|如何)?[?？。!！\s]*$",
    re.I,
)
_MORE = re.compile(
    r"^(那么?)?[,，\s]*(还有(别的|其他的?|哪些|什么|吗)?|其他的?|别的|其余的?|继续|然后|what else|anything else)"
    r"[呢吗么]?[?？。!！\s]*$",
    re.I,
)
_BEFORE = re.compile(
    r"(什么(时[候间]|地方)?|何[时处地]|哪[里儿]|谁|哪[一几两二三四五六七八九十]?|多少|几)[个些家项种位所座类条次名]?$|"
    r"\b(what|which|how many)\s*$"
)
_NOUNISH = re.compile(r"^(n|nr|nrt|nrfg|ns|nt|nz|ng|vn|an|b|j|f|s|eng|l|i)$")
_TIME = re.compile(r"(\d{2,4}年(\d{1,2}月)?(\d{1,2}日)?|\d{1,2}月(\d{1,2}日)?|[今去前明]年|上半年|下半年)")
_TITLE = re.compile(r"《[^》]{1,60}》|“[^”]{1,40}”")
_GENERIC = frozenset(
    "时候 时间 地方 地点 原因 名字 名称 问题 情况 内容 方面 部分 意思 具体 目前 现在 今年 去年 请问 数量 数字"
    " 其中".split()
)


def resolve(question: str, history: Sequence[Turn], similarity: Similarity | None = None) -> tuple[str, bool]:
    """``question`` as it would be asked alone, and whether it asks for more of the same.

    ``similarity`` compares two short phrases, higher is nearer; without it shared characters decide.
    """
    similarity = similarity or _shared_characters
    question = question.strip()
    asked: list[tuple[str, str]] = []  # each earlier question, resolved, with the answer it got
    for turn in history:
        if turn.role == "user":
            earlier, _ = _resolve_one(turn.content.strip(), asked, similarity)
            asked.append((earlier, ""))
        elif asked:
            asked[-1] = (asked[-1][0], turn.content)
    return _resolve_one(question, asked, similarity)


def _resolve_one(question: str, asked: Sequence[tuple[str, str]], similarity: Similarity) -> tuple[str, bool]:
    if not asked:
        return question, False
    previous = asked[-1][0]
    folded = fold(question)
    if _MORE.match(folded):
        return previous, True
    ellipsis = _elided(question, folded)
    if ellipsis:
        return _substitute(previous, ellipsis, similarity), False
    if found := _DEMONSTRATIVE.search(folded):
        for head in (*_heads(question, found.end()), ""):
            if (topic := _topic(asked, head)) and topic not in question:
                head = head or next(iter(_heads(question, found.end())), "")
                return question[: found.start()] + topic + question[found.end() + len(head) :], False
    if (found := PRONOUN.search(folded)) and (topic := _topic(asked, "")) and topic not in question:
        possessive = "的" if found.group(0) == "其" and not question[found.end() :].startswith("的") else ""
        return question[: found.start()] + topic + possessive + question[found.end() :], False
    if not subjects(question) and (topic := _topic(asked, "")):
        return f"{topic}{question}" if HAN.search(question) else f"{topic} {question}", False
    return question, False


def _elided(question: str, folded: str) -> str:
    """The new phrase of «那X呢?», or ""."""
    if not re.search(r"呢[?？。!！\s]*$|^(那|还有|至于)|\b(what|how) about\b", folded) or ASKS.search(
        folded.replace("what about", "").replace("how about", "")
    ):
        return ""
    found = _AND_X.match(question)
    return found.group(1).strip(" ,，?？") if found and len(found.group(1)) <= 30 else ""


def _substitute(previous: str, phrase: str, similarity: Similarity) -> str:
    """``previous`` asked of ``phrase``: it takes the place of the phrase of ``previous`` that is most like it."""
    if _TIME.search(fold(phrase)):
        found = _TIME.search(fold(previous))
        return previous[: found.start()] + phrase + previous[found.end() :] if found else f"{phrase}{previous}"
    spans = noun_phrases(previous)
    if not spans:
        return f"{phrase}{previous}"
    place = _is_place(phrase)
    # The phrase beside the question word is what was asked for: between equals, that one gives way.
    near = [_distance_to_question_word(previous, span) for span in spans]

    def fitness(i: int) -> tuple[bool, float]:
        part = previous[spans[i][0] : spans[i][1]]
        same_end = 0.3 if part[-1] == phrase[-1] else 0.0
        return place == _is_place(part), similarity(part, phrase) + same_end + 0.25 / (1 + near[i])

    start, end = spans[max(range(len(spans)), key=fitness)]
    return previous[:start] + phrase + previous[end:]


def noun_phrases(text: str) -> list[tuple[int, int]]:
    """Spans of the phrases that a question is about: runs of nouns and their attributes, quoted titles whole."""
    spans = [m.span() for m in _TITLE.finditer(text)]
    position, run, noun = 0, -1, False
    words = [*rjieba.tag(text), ("", "x")]
    for word, tag in words:
        joined = bool(_NOUNISH.match(tag)) or (
            run >= 0 and tag in ("v", "a", "m", "nrt") and _continues(text, position, word)
        )
        joined = joined and word not in _GENERIC and not ASKS.search(word)
        if joined and run < 0:
            run, noun = position, False
        if joined:
            noun = noun or (tag[0] in "njlie" and tag != "vn")
        elif run >= 0:
            if noun and position - run >= 2 and not any(s <= run < e for s, e in spans):
                spans.append((run, position))
            run = -1
        position += len(word)
    return sorted(spans)


def subjects(text: str) -> list[tuple[int, int]]:
    """The noun phrases that name what is asked about: not the one that a question word stands before (哪个领域)."""
    return [(s, e) for s, e in noun_phrases(text) if not _BEFORE.search(fold(text[:s]))]


def _continues(text: str, position: int, word: str) -> bool:
    """Whether a verb or an adjective inside a run of nouns goes on with a noun (科技 创新 基地)."""
    following = rjieba.tag(text[position + len(word) :])
    return bool(following) and following[0][1][0] in "njb" and following[0][0] not in _GENERIC


def _heads(question: str, start: int) -> list[str]:
    """What a demonstrative may point with, the longest first: 实验室 of 该实验室."""
    phrases = [question[start : start + end] for begin, end in noun_phrases(question[start:]) if begin == 0]
    word, tag = next(iter(rjieba.tag(question[start:])), ("", ""))
    return list(dict.fromkeys([*phrases, *([word] if tag[:1] in "ng" else [])]))


def _topic(asked: Sequence[tuple[str, str]], head: str) -> str:
    """What the conversation is about: of the last question first; with ``head``, the phrase that ends in it."""
    for exchange in reversed(asked):
        for text in exchange:
            for phrase in topics(text):
                if not head or (phrase.endswith(head) and phrase != head):
                    return phrase
    return ""


def topics(text: str) -> list[str]:
    """The phrases that a later question may refer to, without the attribute that was asked for.

    Of «the A's B is who?» that is A, and of «大桥全长多少米» the bridge, not its length.
    """
    spans = subjects(text) or noun_phrases(text)
    whole = _joined(text, spans)
    if whole and whole[0] not in spans and _ATTRIBUTE.match(fold(text[whole[0][1] :]).rstrip("?？ ")):
        whole = spans
    phrases = [text[start:end] for start, end in whole]
    if whole and _MEASURED.match(fold(text[whole[0][1] :]).rstrip("?？ ")):
        words = rjieba.cut(phrases[0])
        phrases[0] = "".join(words[:-1]) or phrases[0]
    return phrases


def _joined(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Phrases with 的 between them as one: 川渝的框架协议."""
    whole: list[tuple[int, int]] = []
    for start, end in spans:
        if whole and text[whole[-1][1] : start] == "的":
            whole[-1] = (whole[-1][0], end)
        else:
            whole.append((start, end))
    return whole


def _distance_to_question_word(text: str, span: tuple[int, int]) -> int:
    marks = [m.span() for m in ASKS.finditer(fold(text))]
    return min((max(0, s - span[1], span[0] - e) for s, e in marks), default=len(text))


def _is_place(phrase: str) -> bool:
    tags = [tag for _, tag in rjieba.tag(phrase)]
    return bool(tags) and tags[-1] == "ns"


def _shared_characters(a: str, b: str) -> float:
    left, right = set(fold(a)), set(fold(b))
    return len(left & right) / max(1, min(len(left), len(right)))
