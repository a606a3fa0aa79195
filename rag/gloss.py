"""English questions put into Chinese words, so that they are searched like any other.

The dictionary was learnt from bilingual titles and abstracts (training/dictionary.py); it knows the vocabulary of
science and administration, not grammar: a gloss is the words of the question, its question word first.
"""

import json
import re
from collections.abc import Callable
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
    """.split()
)
_MONTHS = "January February March April May June July August September October November December".split()
_MONTH = re.compile(rf"\b({'|'.join(_MONTHS)})\b")  # capitals tell May from may


@cache
def _dictionary() -> dict[str, dict[str, float]]:
    with PATH.open(encoding="utf-8") as stored:
        words: dict[str, dict[str, float]] = json.load(stored)
    return words


def gloss(question: str, kind: str, known: Callable[[str], bool] = lambda word: True) -> str:
    """Chinese words for the English ``question`` that asks for ``kind``; "" where the dictionary has none of its words.

    Of a word's translations those that are ``known``, to the documents that is, are taken; else the likeliest.
    """
    months = [f"{_MONTHS.index(name) + 1}月" for name in _MONTH.findall(question)]
    folded = fold(_MONTH.sub(" ", question))
    words = [translations(word) for word in WORD.findall(folded) if word not in _FUNCTION]
    found = [next(filter(known, some), some[0]) for some in words if some] + months
    return " ".join((_ASKED[kind], *dict.fromkeys(found), *_NUMBER.findall(folded))) if found else ""


def translations(word: str) -> tuple[str, ...]:
    """The likely Chinese words for a folded English one, the likeliest first.

    A plural that is not in the dictionary is taken for its singular, a compound for its parts.
    """
    dictionary = _dictionary()
    singular = re.sub(r"ies$", "y", word) if word.endswith("ies") else re.sub(r"(?<=[^s])s$", "", word)
    for form in (word, singular):
        if form in dictionary:
            return tuple(dictionary[form])
    parts = re.split(r"[&-]", word)
    return ("".join(translations(part)[0] for part in parts if translations(part)),) if len(parts) > 1 else ()
