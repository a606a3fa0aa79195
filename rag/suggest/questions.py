"""Questions made from what a text states, as far as they can be asked without it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rag.answer.rarity import rarity
from rag.answer.signs import names
from rag.grammar import HAN, PRONOUN, full_names
from rag.suggest.asked import Asked, Kind
from rag.suggest.rules import RULES
from rag.suggest.statements import Tokens, is_name, said, statements, tokenized
from rag.suggest.words import PAPERS
from rag.text import fold

SHORTEST, LONGEST = 8, 40  # characters of a question
SUBJECT = 18  # characters of a subject: in longer ones there is often a verb
RARE = 0.58  # rarity from which a word that the cutter takes for the name of a thing is one
_POINTS = re.compile(  # words whose sense hangs on where and when they are said
    r"今年|去年|明年|前年|今[日天]|昨[日天]|明天|目前|当前|日前|近日|近期|近年|如今|现在|当[日天年时地晚]|同[日年时期比样]|本[报刊网台次届月周年文]|该|"
    r"双方|两地|二者|两者|前者|后者|对方|各方|上述|下述|如[下上]|以下|此[次外前后]|这|那|[我你您]|记者|笔者|小编|有关|相关|"
    r"其中|某|先生|女士|小姐|(?<![规原细准法否总通守])则|虽|如果|如遇|假如|倘若|即使|尽管|不仅|不但|只有|除非|[一二两三四五六七八九十]人|[两二三四五]家|[两二三四五]方|其他|其它|另外|全[市省县区州院校]|[本各]|上[年月周]|届时|期间|自己|之一|同时"
)
_ITSELF = re.compile(r"^本(条例|规定|办法|法|细则|规则|意见|方案|规划|通知|章程|决定)")
_ABBREVIATED = re.compile(r"[A-Z]{1,3}$")  # CPI, AI: no name by itself
_QUOTED = re.compile("“[^”]*”")
_BAD = re.compile(r"[,，。:：;；?？!！…\[\]【】{}<>=~^_|@\\/*#]|\(\)|——")
_TRADITIONAL = str.maketrans("么时为个谁两项种", "麼時為個誰兩項種")


@dataclass(frozen=True, slots=True)
class Made:
    """A question, the span of the sentence that it was made from, and what it asks for there."""

    text: str
    kind: Kind
    answer: str  # cleaned: white space may be missing from it
    start: int
    end: int


def questions(text: str, title: str = "") -> Iterator[Made]:
    """The questions that can be made from a text under this title, in the order of its sentences."""
    seen: set[str] = set()
    for statement in statements(text):
        for rule in RULES:
            for asked in rule(statement):
                question = _written(asked, title)
                if asked.kind != "who" and not _is_named(statement.subject):
                    continue
                if question not in seen and _is_good(question):
                    seen.add(question)
                    yield Made(question + "？", asked.kind, asked.answer, statement.start, statement.end)


def _written(asked: Asked, title: str) -> str:
    stated = asked.before + asked.after
    han = "".join(HAN.findall(stated + asked.answer))
    words = asked.words.translate(_TRADITIONAL) if fold(han) != han else asked.words
    question = asked.before + words + asked.after
    itself = _ITSELF.match(question)
    if itself and title.endswith(itself[1]) and "《" not in title:
        question = f"《{title}》{question[itself.end() :]}"
    return question


def _is_good(question: str) -> bool:
    """Whether it can be asked without its text: of a length, of something named, pointing at nothing outside."""
    if not SHORTEST <= len(question) + 1 <= LONGEST or _BAD.search(question) or _POINTS.search(_bare(question)):
        return False
    if any(question.count(a) != question.count(b) for a, b in ("《》", "“”", "()")) or PRONOUN.search(fold(question)):
        return False
    return _telling(question)


def _is_named(subject: Tokens) -> bool:
    """Whether it begins with a name, but for a date before it."""
    first = subject[1] if subject[0].tag == "date" and len(subject) > 1 else subject[0]
    if first.text.strip("《》") in PAPERS:
        return False
    named = first.tag in ("title", "itself", "eng") or is_name(first) or full_names(fold(said(subject)))
    return bool(named) and len(said(subject)) <= SUBJECT and _telling(said(subject))


def _telling(text: str) -> bool:
    """Whether it names something."""
    if any(
        t.tag in ("title", "itself") or (t.tag == "eng" and not _ABBREVIATED.match(t.text)) for t in tokenized(text)
    ):
        return True
    if full_names(fold(text)):
        return True
    found = names(fold(_QUOTED.sub("", text)))
    words = [(fold(token.text), token) for token in tokenized(text)]
    return any(
        is_name(token) if token.tag in ("ns", "nt") else word in found and rarity(word) > RARE for word, token in words
    )


def _bare(question: str) -> str:
    return re.sub("《[^》]*》|“[^”]*”", "", question)
