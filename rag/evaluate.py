"""Measures answers, citations, refusals and retrieval on a file of questions.

A line of the file is a JSON object: ``id, question, kind, answerable, evidence`` (verbatim quotes), ``must_include``
(groups of alternatives, one of each has to be in the answer), ``history`` and ``longest`` where needed. White space and
width are ignored when strings are compared.
"""

import json
import math
import re
import statistics
import time
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rag.engine import Engine
from rag.errors import InvalidInput
from rag.question import kind_of
from rag.reliability import auroc, calibration_error
from rag.types import Answer, Citation, Turn

DEPTH = 10  # passages looked at for MRR and nDCG
Item = Mapping[str, Any]
Row = dict[str, Any]


def read(path: Path) -> list[Item]:
    """The questions of a JSON Lines file. Raises InvalidInput with the number of a line that is not one."""
    items: list[Item] = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                item = json.loads(line)
                missing = {"id", "question", "kind", "answerable", "evidence", "must_include"} - item.keys()
            except (ValueError, AttributeError) as error:
                raise InvalidInput(f"{path}, line {number}: not a JSON object.") from error
            if missing:
                raise InvalidInput(f"{path}, line {number}: lacks {', '.join(sorted(missing))}.")
            items.append(item)
    if not items:
        raise InvalidInput(f"{path}: holds no question.")
    return items


def evaluate(engine: Engine, items: Sequence[Item], progress: Callable[[int, int], None] | None = None) -> Row:
    """Ask everything and return the figures by name; shares are 0..1, times are milliseconds."""
    return figures(scores(engine, items, progress), items)


def scores(engine: Engine, items: Sequence[Item], progress: Callable[[int, int], None] | None = None) -> list[Row]:
    """Everything asked and judged, one row for each question."""
    rows = []
    for number, item in enumerate(items, 1):
        rows.append(score(engine, item))
        if progress:
            progress(number, len(items))
    return rows


def score(engine: Engine, item: Item) -> Row:
    """One question asked and judged."""
    history = [Turn(turn["role"], turn["content"]) for turn in item.get("history", [])]
    began = time.perf_counter()
    answer = engine.ask(item["question"], history=history)
    row: Row = {"kind": item["kind"], "id": item["id"], "ms": (time.perf_counter() - began) * 1000}
    row |= {"answered": answer.answerable, "confidence": answer.confidence, "reply": answer.text}
    row["verbatim"] = [engine.document(c.document_id).text[c.start : c.end] == c.quote for c in answer.citations]
    if not item["answerable"]:
        return row | {"right": not answer.answerable and not answer.citations, "best is right": False}
    row |= judge(answer, item)
    best = answer if answer.answerable else engine.ask(item["question"], history=history, threshold=0.0)
    row["best is right"] = judge(best, item)["answer"]
    row["asked"] = kind_of(item["question"])
    if not history:
        passages = [squash(hit.text) for hit in engine.search(item["question"], top_k=DEPTH)]
        row["ranks"] = [
            next((rank for rank, text in enumerate(passages, 1) if squash(quote) in text), 0)
            for quote in item["evidence"]
        ]
    return row


def judge(answer: Answer, item: Item) -> Row:
    """Whether an answer to an answerable question holds what it must, ``right`` with all of its evidence; of each
    quote of the evidence whether a citation shows it; of each citation whether it shows some."""
    plain = re.sub(r"\s*\[\d+\]", "", answer.text)
    said = squash(plain)
    complete = all(any(squash(a) in said for a in group) for group in item["must_include"])
    right = answer.answerable and complete and len(plain) <= item.get("longest", 300)
    quotes = [squash(c.quote) for c in answer.citations if len(c.quote) <= 300]
    evidence = [any(squash(e) in quote for quote in quotes) for e in item["evidence"]]
    precise = [any(_overlaps(c, e) for e in item["evidence"]) for c in answer.citations]
    return {"answer": right, "evidence": evidence, "precise": precise, "right": right and all(evidence)}


def figures(rows: Sequence[Row], items: Sequence[Item]) -> Row:
    """The rows summed up."""
    asked = [r for r, i in zip(rows, items, strict=True) if i["answerable"]]
    blank = [r for r, i in zip(rows, items, strict=True) if not i["answerable"]]
    ranks = [rank for r in asked for rank in r.get("ranks", [])]
    found = [sorted(r["ranks"]) for r in asked if r.get("ranks")]
    first = [next((rank for rank in ranks if rank), 0) for ranks in found]
    return {
        "questions": len(rows),
        "right": _share(r["right"] for r in rows),
        "answer": _share(r["answer"] for r in asked),
        "evidence": _share(flag for r in asked for flag in r["evidence"]),
        "precise": _share(flag for r in asked for flag in r["precise"]),
        "verbatim": _share(flag for r in rows for flag in r["verbatim"]),
        "refused": _share(not r["answered"] for r in blank),
        "false refusals": _share(not r["answered"] for r in asked),
        **{f"recall@{k}": _share(0 < rank <= k for rank in ranks) for k in (1, 5, 10)},
        f"MRR@{DEPTH}": _mean(1 / rank if rank else 0.0 for rank in first),
        f"nDCG@{DEPTH}": _mean(_ndcg(ranks) for ranks in found),
        "AUROC": _rounded(auroc([r["confidence"] for r in asked], [r["confidence"] for r in blank])),
        "calibration error": _rounded(calibration_error(*judged(rows))),
        "ms p50": round(statistics.median(r["ms"] for r in rows), 1),
        "right by kind": {
            kind: _share(r["right"] for r in rows if r["kind"] == kind)
            for kind in dict.fromkeys(r["kind"] for r in rows)
        },
        "answer by what is asked": {
            kind: _share(r["answer"] for r in asked if r["asked"] == kind)
            for kind in sorted({r["asked"] for r in asked})
        },
    }


def judged(rows: Sequence[Row]) -> tuple[list[float], list[bool]]:
    """Of each question the confidence, and whether the best answer found is right, given or withheld."""
    return [r["confidence"] for r in rows], [r["best is right"] for r in rows]


def squash(text: str) -> str:
    """``text`` for comparison: NFKC, lower case, no white space."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).lower()


def _overlaps(citation: Citation, evidence: str) -> bool:
    a, b = squash(citation.quote), squash(evidence)
    return a in b or b in a or any(b[i : i + 8] in a for i in range(max(1, len(b) - 7)))


def _ndcg(ranks: Sequence[int]) -> float:
    """Each evidence quote gains 1 at the rank where it is first shown; the ideal shows all in the first passage."""
    return sum(1 / math.log2(rank + 1) for rank in ranks if rank) / len(ranks)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _share(flags: Iterable[bool]) -> float | None:
    return _mean(float(flag) for flag in flags)


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return round(sum(known) / len(known), 4) if known else None
