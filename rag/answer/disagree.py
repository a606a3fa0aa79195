"""Where another document gives another number, date or person for what is asked: both are said, the newer first."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from rag.answer import signs
from rag.answer.features import NAMES, Matrix
from rag.answer.units import Unit
from rag.question import Single
from rag.retrieve import Copies
from rag.text import fold
from rag.types import Document

AS_LIKELY = 0.2  # beside the best unit, from which another document's says something to the question
AS_MUCH = 0.9  # of the question's words that the best unit and its neighbours hold, that the other's hold
Value = Mapping[str, object]  # the parts of a date, the amount of a unit, the name of a person
_TIME = ("年", "月", "日", "号")
_SCALES = {"万": 10**4, "亿": 10**8}
_DATE = re.compile(r"(?:(?P<年>\d{4})年)?(?:(?P<月>\d{1,2})月)?(?:(?P<日>\d{1,2})[日号])?")
_AMOUNT = re.compile(r"(?<![\d.])(\d+(?:,\d{3})*(?:\.\d+)?)([万亿]*)([余多]?)(%|[^\W\d_]?)")


def disagreeing(
    question: Single,
    candidates: Sequence[Unit],
    logits: NDArray[np.float32],
    matrix: Matrix,
    documents: Mapping[str, Document],
    copies: Copies,
) -> list[Unit]:
    """The best unit and the likeliest of another document that says otherwise, the newer first; empty where none does.

    ``logits`` (n,) and ``matrix`` (n, features) are those of the candidates; ``copies`` gives a document's
    reprints, which never disagree with it: they are one source.
    """
    column = matrix[:, NAMES.index("words_around")]
    best = int(np.argmax(logits))
    asked = fold(question.text)
    own = _values(candidates[best].text, question, asked)
    for i in np.argsort(-logits, kind="stable")[1:] if own else ():
        unit = candidates[i]
        if logits[i] < logits[best] + np.log(AS_LIKELY):
            break
        if unit.document_id == candidates[best].document_id or column[i] < AS_MUCH * column[best]:
            continue
        other = _values(unit.text, question, asked)
        pairs = [(a, b) for a in own for b in other if a.keys() & b.keys()]
        agree = any(all(a[k] == b[k] for k in a.keys() & b.keys()) for a, b in pairs)
        if pairs and not agree and unit.document_id not in copies(candidates[best].document_id):
            both = [candidates[best], unit]
            return sorted(both, key=lambda u: documents[u.document_id].published or "", reverse=True)
    return []


def _values(text: str, question: Single, asked: str) -> list[Value]:
    """What of the asked kind the text says; of kinds alone whose values can be told apart."""
    folded = fold(text)
    if question.kind == "person":
        named = signs.persons(folded, asked)
        return [{"": next(iter(named))}] if len(named) == 1 else []
    if question.kind == "date":
        said = _dates(asked)
        return [date for date in _dates(folded) if date not in said]
    if question.kind == "number":
        measure = signs.measure(asked)
        known = _amounts(asked)
        found = [amount for amount in _amounts(folded) if amount not in known]
        return [a for a in found if (measure in a if measure else not a.keys() & set(_TIME))]
    return []


def _dates(folded: str) -> list[Value]:
    found = [m.groupdict() for m in _DATE.finditer(folded) if m[0]]
    return [{part: int(value) for part, value in parts.items() if value} for parts in found]


def _amounts(folded: str) -> list[Value]:
    """Exact amounts by unit, 1.2万人 and 12,000人 alike; «some» (余, 多) are none, for they contradict nothing."""
    amounts: list[Value] = []
    for figure, scales, some, unit in _AMOUNT.findall(folded):
        amount = Decimal(figure.replace(",", ""))
        for scale in scales:
            amount *= _SCALES[scale]
        if not some:
            amounts.append({unit: amount})
    return amounts
