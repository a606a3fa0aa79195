"""Follow-ups resolved from the conversation, without a model.

A follow-up is seen by its form (a pronoun, an ellipsis, a question that names no subject); what it lacks is taken from
the earlier questions, and from the answers only where those give nothing.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import rjieba

from rag.grammar import ASKS, HAN, HOW_MUCH, PRONOUN
from rag.text import fold
from rag.types import Turn

Similarity = Callable[[str, str], float]
MOST_TURNS = 6  # of a conversation that are looked at, the last ones
TURN_LENGTH = 500  # characters of each
_LOOK_AHEAD = 12  # characters behind a word in which the next one ends

_DEMONSTRATIVE = re.compile(
    r"(?:[该此](?![外后前次时])|[这那][一两几]?(?:个|家|项|座|所|位|份|条|种|些))(?:个|家|项|座|所|位|份|条|种|些)?(?=[一-鿿])"
)
_ATTRIBUTE = re.compile(r"^(?:是|为|有)?(?:谁|[什甚]么|多少|哪|几|多[大高长少远久])[^的]{0,4}$")
_MEASURED = re.compile(r"^(?:是|为|有)?(?:谁|多少|几|多[大高长少远久])[^的]{0,4}$")
_AND_X = re.compile(
    r"^(?:那么?|还有|至于|and (?:in|for|at|of)|and|(?:so )?what about|how about)?[,，\s]*"
    r"(.{1,40}?)(?:又?呢|怎么样|如何)?[?？。!！\s]*$",
    re.I,
)
_ELIDES = re.compile(r"呢[?？。!！\s]*$|^(那|还有|至于)|\b(what|how) about\b|^and (?:in|for|at|of) ")
_MORE = re.compile(
    r"^(那么?)?[,，\s]*(还有(别的|其他的?|哪些|[什甚]么|吗)?|其他的?|别的|其余的?|继续|然后|what else|anything else)"
    r"[呢吗么]?[?？。!！\s]*$",
    re.I,
)
# A quantity's change is asked of the quantity, not of what has it: «增长了多少?» after «重庆的产值是多少?».
_CHANGE = re.compile(r"^(?:又|共|一共|总共|同比|环比|比[^,，]{1,8}?)?(?:增[长加]|上升|提高|下降|减少|降低|回落|占)")
_ALONE = re.compile(
    r"^(?:那么?|又|是)?[,，\s]*"
    r"(为[什甚]么|为何|为啥|[什甚]么时候|何时|哪一?年|在?哪里|在?哪儿|谁|how come|why|when|where|who)呢?[?？。!！\s]*$",
    re.I,
)
_QUESTION = re.compile(
    rf"(?:{ASKS.pattern})(?: many| much)? ?[一几两二三四五六七八九十]?(?:[个些家项种位所座类条次名份年]|时候|地方)?"
    r"|[?？。\s]+$",
    re.I,
)
_AMONG = re.compile(r"^(?:那么?)?[,，\s]*其中的?")
_BEFORE = re.compile(
    r"([什甚]么(时[候间]|地方)?|何[时处地]|哪[里儿]|谁|哪[一几两二三四五六七八九十]?|多少|几)[个些家项种位所座类条次名]?$|"
    r"\b(what|which|how many)\s*$"
)
_NOUNISH = re.compile(r"^(n|nr|nrt|nrfg|ns|nt|nz|ng|vn|an|b|j|f|s|eng|l|i)$")
_TIME = re.compile(r"(\d{2,4}年(\d{1,2}月)?(\d{1,2}日)?|\d{1,2}月(\d{1,2}日)?|[今去前明]年|上半年|下半年)")
_TITLE = re.compile(r"《[^》]{1,60}》|“[^”]{1,40}”")
_PERSON = re.compile(r"谁|何人|哪一?[位名]")
NUMBER = re.compile(HOW_MUCH)
_NAME = re.compile(r"\b[A-Z][\w\-]*(?: (?:of |the )*[A-Z][\w\-]*)*")
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
    history = [replace(turn, content=turn.content[:TURN_LENGTH]) for turn in history[-MOST_TURNS:]]
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
    if found := _ALONE.match(folded):
        word = question[slice(*found.span(1))]
        stated = _QUESTION.sub("", previous)
        return f"{word}{stated}?" if HAN.search(stated) else f"{word} {stated}?", False
    ellipsis = _elided(question, folded)
    if ellipsis:
        part = _AMONG.sub("", ellipsis)
        return _substitute(previous, part, similarity, words=part != ellipsis), False
    topic, counted = _topic(asked, ""), _counted(previous)
    if (found := _AMONG.match(folded)) and topic:
        among = f"{topic}的{counted}" if counted else topic
        return f"{among}中,{question[found.end() :]}", False
    if found := _DEMONSTRATIVE.search(folded):
        heads = _heads(question, found.end())
        for head in heads:
            if counted.endswith(head) and topic and topic not in question:
                return f"{question[: found.start()]}{topic}的{counted}{question[found.end() + len(head) :]}", False
        for head in (*heads, ""):
            if (thing := _topic(asked, head)) and thing not in question:
                head = head or next(iter(heads), "")
                return question[: found.start()] + thing + question[found.end() + len(head) :], False
    if (found := PRONOUN.search(folded)) and topic and topic not in question:
        if found.group(0)[0] in "他她" and _PERSON.search(fold(previous)):  # who it is that was asked, not of what
            topic = next((previous[s:e] for s, e in _joined(previous, subjects(previous))), topic)
        possessive = "的" if found.group(0) == "其" and not question[found.end() :].startswith("的") else ""
        return question[: found.start()] + topic + possessive + question[found.end() :], False
    spans = subjects(question)
    if not spans and topic:
        if _CHANGE.match(folded) and (quantity := _quantity(previous)):
            return f"{quantity}{question}", False
        time = _TIME.search(fold(previous))
        if time and NUMBER.search(folded) and not _TIME.search(folded):
            topic = previous[slice(*time.span())] + topic
        return f"{topic}{question}" if HAN.search(question) else f"{topic} {question}", False
    if spans and question[spans[0][1] :].startswith("的"):  # 协议的 after 框架协议
        start, end = spans[0]
        if whole := _topic(asked, question[start:end]):
            return f"{question[:start]}{whole}{question[end:]}", False
    return question, False


def _counted(previous: str) -> str:
    """The noun that the question word of ``previous`` stands before: 学校 of 新建了多少所学校."""
    asked = [span for span in noun_phrases(previous) if _BEFORE.search(fold(previous[: span[0]]))]
    return previous[slice(*asked[0])] if asked else ""


def _quantity(previous: str) -> str:
    """What ``previous`` asks the amount of, with its time and place."""
    found = NUMBER.search(fold(previous))
    before = previous[: found.start()].rstrip("是为有达到约 ") if found else ""
    return before if any(end == len(before) for _, end in noun_phrases(before)) else ""


def _elided(question: str, folded: str) -> str:
    """The new phrase of «那X呢?», or ""."""
    if not _ELIDES.search(folded) or ASKS.search(folded.replace("what about", "").replace("how about", "")):
        return ""
    found = _AND_X.match(question)
    return found.group(1).strip(" ,，?？") if found and len(found.group(1)) <= 30 else ""


def _substitute(previous: str, phrase: str, similarity: Similarity, *, words: bool = False) -> str:
    """``previous`` asked of ``phrase``: it takes the place of the phrase of ``previous`` that is most like it.

    With ``words``, of the single word in these phrases: it names a part of what was asked for.
    """
    if _TIME.search(fold(phrase)):
        found = _TIME.search(fold(previous))
        return previous[: found.start()] + phrase + previous[found.end() :] if found else f"{phrase}{previous}"
    spans = noun_phrases(previous)
    if words:
        spans = [piece for span in spans for piece in _words(previous, *span)]
    if not spans:
        return f"{phrase}{previous}" if HAN.search(previous) else f"{previous.rstrip('?. ')} in {phrase}?"
    place = _is_place(phrase)
    # The phrase beside the question word is what was asked for: between equals, that one gives way.
    near = [_distance_to_question_word(previous, span) for span in spans]

    def fitness(i: int) -> tuple[bool, float]:
        part = previous[spans[i][0] : spans[i][1]]
        same_end = 0.3 if part[-1] == phrase[-1] else 0.0
        return place == _is_place(part), similarity(part, phrase) + same_end + 0.25 / (1 + near[i])

    start, end = spans[max(range(len(spans)), key=fitness)]
    return previous[:start] + phrase + previous[end:]


def _words(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Spans of the words of ``text[start:end]``."""
    spans = []
    for word in rjieba.cut(text[start:end]):
        spans.append((start, start + len(word)))
        start += len(word)
    return spans


def noun_phrases(text: str) -> list[tuple[int, int]]:
    """Spans of the phrases that a question is about: runs of nouns and their attributes, quoted titles whole.

    In English, the names: words with a capital, but for the first one.
    """
    if not HAN.search(text):
        return [m.span() for m in _NAME.finditer(text) if m.start()]
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
    after = position + len(word)
    following = rjieba.tag(text[after : after + _LOOK_AHEAD])
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
