"""English questions put into Chinese words, so that they are searched like any other.

The dictionary was learnt from bilingual titles and abstracts (training/dictionary.py); it knows the vocabulary of
science and administration, not grammar: a gloss is the words of the question, its question word first.
"""

import json
import re
from functools import cache
from pathlib import Path

from rag.text import fold

PATH = Path(__file__).parent / "models" / "english-chinese.json"
WORD = re.compile(r"[a-z][a-z0-9]*(?:[&-][a-z0-9]+)*")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*%?")
_ASKED = {
    "number": "多少", "date": "什么时候", "person": "谁", "place": "哪里", "list": "哪些",
    "organisation": "哪个机构", "reason": "为什么", "yesno": "是否", "other": "什么",
}  # fmt: skip
_FUNCTION = frozenset(
    """
    a an the of in on at to for from by with about and or but not as into is are was were be been being am do does did
    has have had having can could will would should may might must what which who whom whose when where why how many
    much long this that these those it its they them their he his she her we our you your i my me there here than then
    so such any some please tell
    """.split()  # noqa: SIM905
)
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip


@cache
def _dictionary() -> dict[str, dict[str, float]]:
    with PATH.open(encoding="utf-8") as stored:
        words: dict[str, dict[str, float]] = json.load(stored)
    return words


def gloss(question: str, kind: str) -> str:
    """Chinese words for the English ``question`` that asks for ``kind``; "" where none of its words is known."""
    folded = fold(question)
    words = [w for w in WORD.findall(folded) if w not in _FUNCTION]
    found = [f"{_MONTHS.index(w) + 1}月" if w in _MONTHS else " ".join(translations(w)) for w in words]
    if not any(found):
        return ""
    return " ".join(filter(None, (_ASKED[kind], *found, *_NUMBER.findall(folded))))


def translations(word: str) -> tuple[str, ...]:
    """The likely Chinese words for a folded English one, of a plural also those of its singular, in parts if need be."""
    dictionary = _dictionary()
    singular = re.sub(r"ies$", "y", word) if word.endswith("ies") else re.sub(r"(?<=[^s])s$", "", word)
    for form in (word, singular):
        if form in dictionary:
            return tuple(dictionary[form])
    parts = re.split(r"[&-]", word)
    return tuple(z for part in parts for z in translations(part)[:1]) if len(parts) > 1 else ()
