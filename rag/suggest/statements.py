"""What the sentences of a text state of whom: a subject, what is said of it, and when and why, as far as they say.

Sentences are taken apart by the order of words alone, with the word cutter's tags; what does not clearly have one of
the forms known here is left out.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import rjieba

from rag.answer.rarity import common
from rag.answer.signs import NAME_TAGS
from rag.suggest.words import JOINS, LEADS, LIGHT, PLANS, SAYS, WITH
from rag.text import clauses, fold, sentences
from rag.verify.units import CLASSIFIERS, UNITS

AMOUNT = "#"  # tag of a number with its unit
SHORTEST, LONGEST = 10, 200  # characters of a sentence
_TIMES = frozenset(("year", "decade", "century", "month", "clock"))
_NAMED = [name for name, (kind, _) in UNITS.items() if kind not in _TIMES and name not in "成周秒克"]
COUNTED = "".join(CLASSIFIERS - set("任国省市县区州镇村届期号页章节代路街级回行面口步")) + "人"
_UNIT = "|".join([*map(re.escape, sorted(_NAMED, key=len, reverse=True)), "人次", "件次", f"[{COUNTED}]"])
NUMBER = re.compile(
    r"(?<![\d.A-Za-z第+\-—–~～至])(?:\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)(?P<scale>万亿|[百千]?万|亿|千)?[余多]?"
    rf"(?P<unit>{_UNIT})(?![\d+\-—–~～至/])",
    re.I,
)
DATE = re.compile(
    r"(?:(?<![\d.])(?:\d{4}年)?\d{1,2}月(?:\d{1,2}日|[上中下]{1,2}旬|[初底末])?"
    r"|(?<![\d.])\d{4}年(?:第?[一二三四]季度|前[一二三四]季度|[上下]半年|年?[初底末]|[春夏秋冬])?|(?<![\d.])\d{1,2}日(?!元))"
    r"(?:[至到\-—–~～](?:\d{4}年)?(?:\d{1,2}月)?(?:\d{1,2}日)?(?<=[年月日]))?"
)
_WHOLE = re.compile(
    rf"(?P<title>《[^《》]{{2,80}}》)|(?P<quote>“[^“”，。,；;：:？?！!]{{1,20}}”)|(?P<date>{DATE.pattern})"
    r"|(?P<itself>本(?:条例|规定|办法|法|细则|规则|意见|方案|规划|通知|章程|决定))"
    rf"|(?P<num>{NUMBER.pattern})|(?P<eng>[A-Za-z][\w.+\-]*(?: [A-Z0-9][\w.+\-]*)*)",
    re.A,
)
_REPORTED = re.compile(
    r"^(?:[^,，。:：]{0,24}(?:\d[日号]|社)[电讯][,，:：]?"
    r"|[^,，。:：]{0,24}(?:消息|获悉|报道|了解|介绍|悉|显示|统计|通报|透露|表示|指出|称|认为)[,，:：])(?=\S)"
)
_GLUED = re.compile(r"^(?:原标题|来源|编辑|责编|责任编辑|作者|记者|图)\s*[:：|]")
_ORDER = re.compile(
    r"^(?:[—–\-•·●▪■*#>\s]+|[(（]?[一二三四五六七八九十\d]{1,3}[)）、.．](?!\d)\s*|第[一二三四五六七八九十百\d]+[条章节]\s*)+"
)
_SPACE = re.compile(r"(?<=[^\x00-\x7f])\s+|\s+(?=[^\x00-\x7f])")  # beside what is no Latin letter or figure
_BRACKET = re.compile(r"（[^（）]*）|\([^()]*\)|\[[^\[\]]*\]")
_PLACED = re.compile(r"[(（]([一-鿿]{2,4})[)）](?=[一-鿿])")
_VAGUE = re.compile(  # subjects that name nobody, or are none
    r"[^\W\d_]?$|[大小新老旧东西南北中上下][^\W\d_]$|\d+[^年月日\d]|(?:助力|新[建开增]|[向在从对自与为把被将由经而第])[^\W\d_]|[市县区省州镇乡村](?=[^\W\d_]{1,5}$)|"
    r"(?:公司|集团|警方|法院|银行|学校|企业|当事人|代表|政府|人民政府|社区)[^\W\d_]{0,4}$"
)
_NOMINAL = re.compile(r"^(?:n|j$|b$|vn$|an$|s$|eng$|title$|quote$|itself$|l$|i$|k$|nz$|ng$)")
_ADVERBIAL = re.compile(r"^(?:t|c|date)$")
_FRAME = re.compile(r"^(?:为了?(?![期首主例止])|由于|因为?(?![此而]))(?P<why>.{4,60})[,，]$")
_SINCE = re.compile(rf"^自(?:从)?(?P<when>{DATE.pattern})(?P<what>[一-鿿]{{2,8}}?)(?:以来|[之以]后)[,，]$")


class Token(NamedTuple):
    """A word and its tag: the cutter's, or title, quote, date, itself, eng or ``AMOUNT`` for what is kept whole."""

    text: str
    tag: str


Tokens = tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """``subject`` does what ``predicate`` says; ``start`` and ``end`` are the span of the whole sentence.

    ``when`` is a date that stands before it all, ``why`` a clause that gives a cause or an aim; else empty.
    """

    subject: Tokens
    predicate: Tokens
    start: int
    end: int
    when: str = ""
    why: str = ""
    own: bool = True  # whether the subject stands in the same clause


def said(tokens: Sequence[Token]) -> str:
    """The text of some tokens."""
    return "".join(token.text for token in tokens)


def statements(text: str) -> Iterator[Statement]:
    """What the sentences of ``text`` state, in their order."""
    for start, end in sentences(text):
        if SHORTEST <= end - start <= LONGEST and text[end - 1] in "。；;！!" and not _GLUED.match(text[start:end]):
            yield from _of_sentence(text[start:end], start, end)


def _of_sentence(sentence: str, start: int, end: int) -> Iterator[Statement]:
    plain = cleaned(sentence)
    subject: Tokens = ()
    when = why = since = ""
    for s, e in clauses(plain, 0, len(plain)):
        clause = plain[s:e]
        if found := _FRAME.match(clause):
            first = tokenized(found["why"])[0].tag[0]
            why = clause[:-1] if first in "vda" or not clause.startswith("为") or clause[1] == "了" else ""
            continue
        if (found := _SINCE.match(clause)) and not subject:
            when, since = found["when"], found["what"]
            continue
        tokens, at = _after_adverbials(tokenized(clause.rstrip("。；;！!,，：:")))
        when = at or when
        if not tokens:
            continue
        own, rest = _subject(tokens)
        if own and rest:
            rest, at = _after_adverbials(rest)
            while rest and rest[0].text in LIGHT:
                rest = rest[1:]
            when = at or when
            subject = own if rest and not any(token.text in SAYS for token in rest) else ()
        elif own or tokens[0].tag[0] not in "vdp":
            subject = ()
        else:
            rest = tokens[1:] if tokens[0].text in LIGHT else tokens
        if subject and since:
            yield Statement(subject, tokenized(since), start, end, when)
            when = since = ""
        whole = rest and clause[-1] not in "：:" and rest[-1].text[-1] not in "称说"
        if subject and whole and not any(t.text in WITH for t in rest[:2]):
            yield Statement(subject, rest, start, end, when, why, bool(own))
        if own and not is_plain(rest):
            subject = ()  # the noun phrase may have gone on
        when = why = since = ""


def object_of(tokens: Tokens) -> int:
    """Where the object begins of a predicate that has adverbs, prepositional phrases and verbs in this order.

    It is the number of tokens where nothing follows the verb; 0 where the order is another.
    """
    i = 0
    while i < len(tokens) and (tokens[i].tag in ("d", "t") or tokens[i].tag == "p" or tokens[i].text in LEADS):
        if tokens[i].tag in ("d", "t"):
            i += 1
            continue
        length = phrase(tokens[i + 1 :]) or int(tokens[i + 1 : i + 2] != () and tokens[i + 1].tag == "date")
        if not length:
            return 0
        i += 1 + length
        if i < len(tokens) and tokens[i].tag in ("f", "s"):
            i += 1
    first = i
    while i < len(tokens) and tokens[i].tag in ("v", "vd", "vi", "vg") and i < first + 2:
        i += 1
    if i == first:
        return 0
    return i + (i < len(tokens) and tokens[i].tag in ("ul", "ug"))


def is_plain(tokens: Tokens) -> bool:
    """Whether a predicate is adverbs, prepositional phrases, verbs and one object or none, and nothing else."""
    at = object_of(tokens)
    rest = tokens[at:]
    known = all(nominal(t) or t.tag in ("m", "q", "a", AMOUNT, "date") or t.text in JOINS for t in rest)
    if not at or not known or (rest and rest[0].text in JOINS):
        return False
    return not rest or rest[-1].tag == AMOUNT or (nominal(rest[-1]) and rest[-1].text[-1] not in "时后前")


def cleaned(sentence: str) -> str:
    """A sentence without its number in a list, the words that say who reports it, brackets and white space."""
    plain = _ORDER.sub("", _SPACE.sub("", sentence))
    plain = _BRACKET.sub("", _PLACED.sub(r"〔\1〕", plain)).replace("〔", "(").replace("〕", ")")
    return _REPORTED.sub("", plain)


def tokenized(text: str) -> Tokens:
    """The words of a text; titles, quotations, dates, amounts and Latin names are one word each."""
    found: list[Token] = []
    at = 0
    for match in _WHOLE.finditer(text):
        found += _tagged(text[at : match.start()])
        kind = next(name for name in ("title", "quote", "date", "itself", "num", "eng") if match[name])
        found.append(Token(match[0], AMOUNT if kind == "num" else kind))
        at = match.end()
    return (*found, *_tagged(text[at:]))


def _tagged(text: str) -> Iterator[Token]:
    at = 0
    for word, tag in rjieba.tag(fold(text)) if text else ():
        passive = word[0] == "被" and word[-1] == "为"  # 被誉为, which is no noun
        yield Token(text[at : at + len(word)], "v" if passive else tag)
        at += len(word)


def nominal(token: Token) -> bool:
    """Whether a word can be a part of a noun phrase."""
    return bool(_NOMINAL.match(token.tag)) or token.text in ("(", ")", "们")


def is_name(token: Token) -> bool:
    """Whether a word is a name."""
    if token.tag in ("title", "quote", "eng"):
        return True
    return token.tag.startswith(NAME_TAGS) and len(token.text) > 1 and not common(fold(token.text))


def phrase(tokens: Sequence[Token]) -> int:
    """How many tokens the noun phrase takes that they begin with; 0 where they begin with none."""
    last = 0
    for i, token in enumerate(tokens):
        if (nominal(token) and token.tag != "k") or (token.tag == "k" and last == i):
            last = i + 1
        elif token.tag == "a" and tokens[i + 1 : i + 2] and tokens[i + 1].tag[0] in "nab":
            continue
        elif not (i and token.text in JOINS and last == i):
            break
    return last


def _after_adverbials(tokens: Tokens) -> tuple[Tokens, str]:
    """Without the words of time and conjunctions in front; the absolute date among them."""
    when = ""
    i = 0
    while i < len(tokens) and _ADVERBIAL.match(tokens[i].tag):
        follows = tokens[i + 1 : i + 2]
        if tokens[i].tag == "date":
            if follows and (
                follows[0].text in ("的", "至", "起", "以来") or ("月" not in tokens[i].text and nominal(follows[0]))
            ):
                break
            when = tokens[i].text if re.search("[年月]", tokens[i].text) else when
        i += 1
    return tokens[i:], when


def _subject(tokens: Tokens) -> tuple[Tokens, Tokens]:
    """The noun phrase in front and what follows it; of a phrase with a verb before 的 only what follows that."""
    if tokens[0].tag == "v" and "的" in (words := [t.text for t in tokens[:12]]):
        head = tokens[words.index("的") + 1 :]
        end = phrase(head)
        if end and head[end:] and head[end].tag[0] in "vdp":
            return head[:end], head[end:]
        return (), ()
    made_up = tokens[0].tag == "nrt" and tokens[1:2] != () and tokens[1].tag[0] == "v" and "·" not in tokens[0].text
    if tokens[0].tag in ("a", "ad", "an", "vn") or made_up:
        return (), ()
    lead = 1 if tokens[0].tag == "date" else 0
    end = phrase(tokens[lead:])
    if not end:
        return (), ()
    end += lead
    rest = tokens[end:]
    last = tokens[end - 1]
    odd = any(t.text in SAYS | PLANS or (t.tag == "nr" and len(t.text) > 3) for t in tokens[:end])
    if odd or last.tag in ("vn", "an", "b") or last.text[-1] in "向在对于将为被" or _VAGUE.match(said(tokens[:end])):
        return (), ()
    if (rest and rest[0].tag[0] in "vdpt") or (rest and rest[0].tag in (AMOUNT, "date")):
        return tokens[:end], rest
    return tokens[:end], ()
