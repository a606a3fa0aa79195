"""Where another document gives another number, date or person for what is asked: both are said, the newer first."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rag.answer import signs
from rag.answer.features import NAMES, Matrix
from rag.answer.units import Unit
from rag.question import Single
from rag.text import fold
from rag.types import Document

AS_LIKELY = 0.2  # beside the best unit, from which another document's says something to the question
_TIME = ("年", "月", "日", "号")
AS_MUCH = 0.9  # of the question's words that the best unit and its neighbours hold, that the other's hold
Value = Mapping[str, str]  # the parts of a date, the figure of a unit, the name of a person
_DATE = re.compile(r"(?:(?P<年>\d{4})年)?(?:(?P<月>\d{1,2})月)?(?:(?P<日>\d{1,2})[日号])?")
_FIGURE = re.compile(r"(?<![\d.])(\d+(?:,\d{3})*(?:\.\d+)?)[余多]?(%|[万亿]*[^\W\d_]?)")


def disagreeing(
    question: Single,
    candidates: Sequence[Unit],
    logits: NDArray[np.float32],
    matrix: Matrix,
    documents: Mapping[str, Document],
) -> list[Unit]:
    """The best unit and the likeliest of another document that says otherwise, the newer first; empty where none does.

    ``logits`` (n,) and ``matrix`` (n, features) are those of the candidates.
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
        if pairs and not any(all(a[k] == b[k] for k in a.keys() & b.keys()) for a, b in pairs):
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
        dates = [m for m in _DATE.finditer(folded) if m[0] and m[0] not in asked]
        return [{part: value for part, value in m.groupdict().items() if value} for m in dates]
    if question.kind == "number":
        measure = signs.measure(asked)
        figures = [m.groups() for m in _FIGURE.finditer(folded) if m[1] not in asked]
        return [{unit: figure} for figure, unit in figures if (unit == measure if measure else unit not in _TIME)]
    return []
