"""Measures an embedder alone: ``python -m training.measure --shared ../shared [--model FOLDER]``.

Recall@k is the share of questions whose own document is among the k nearest. The reading sets are only measured on;
the distractors beside cmrc-trial's documents are the CMRC training passages.
"""

import argparse
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag.embed import Embedder, load
from training import data

_QUESTION = re.compile(r"(_QUERY_\d+|-\d+)$")  # what a question's id has behind its document's


def recall(embedder: Embedder, queries: Sequence[str], passages: Sequence[str], gold: Sequence[int],
           at: Sequence[int] = (1, 5, 10)) -> dict[str, float]:  # fmt: skip
    """Recall@k of exact search for queries whose right passage is ``gold[i]``; a tie counts against the model."""
    scores = embedder.queries(queries) @ embedder.passages(passages).T
    own = scores[np.arange(len(gold)), np.asarray(gold)]
    ranks = (scores >= own[:, None]).sum(axis=1)
    return {f"recall@{k}": float((ranks <= k).mean()) for k in at}


def reading(embedder: Embedder, folder: Path, distractors: Sequence[str] = ()) -> dict[str, float]:
    """Recall of a reading set's answerable questions over its documents and the distractors."""
    documents = _records(folder / "documents.jsonl")
    place = {document["id"]: i for i, document in enumerate(documents)}
    asked = [q for q in _records(folder / "questions.jsonl") if q["kind"] == "reading" and q["answerable"]]
    asked = [q for q in asked if _QUESTION.sub("", q["id"]) in place]
    passages = [document["text"] for document in documents] + list(distractors)
    gold = [place[_QUESTION.sub("", q["id"])] for q in asked]
    return recall(embedder, [q["question"] for q in asked], passages, gold) | {
        "questions": len(asked),
        "passages": len(passages),
    }


def english(embedder: Embedder, folder: Path, most: int = 500) -> dict[str, float]:
    """Recall of held-out English titles over the Chinese titles of all papers, trained on or not."""
    held = data.read(folder, held=True).pairs["english_title"][:most]
    others = [zh for _, zh, _ in data.read(folder).pairs["english_title"]]
    titles = list(dict.fromkeys([zh for _, zh, _ in held] + others))
    place = {title: i for i, title in enumerate(titles)}
    found = recall(embedder, [en for en, _, _ in held], titles, [place[zh] for _, zh, _ in held])
    return found | {"questions": len(held), "passages": len(titles)}


def speed(embedder: Embedder, passages: Sequence[str], questions: Sequence[str]) -> dict[str, float]:
    """Passages a second, and the median milliseconds of one question."""
    began = time.perf_counter()
    embedder.passages(passages)
    rate = len(passages) / (time.perf_counter() - began)
    times = []
    for question in questions:
        began = time.perf_counter()
        embedder.queries([question])
        times.append(time.perf_counter() - began)
    characters = sum(map(len, passages)) / len(passages)
    return {"passages/s": rate, "characters each": characters, "query ms": float(np.median(times)) * 1000}


def _records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure an embedder alone.")
    parser.add_argument("--shared", type=Path, required=True, help="folder that holds eval/ and train/")
    parser.add_argument("--model", help="model folder or hub id; left out: the shipped one")
    arguments = parser.parse_args()
    embedder = load(arguments.model)
    train, sets = arguments.shared / "train", arguments.shared / "eval"
    distractors = [record["text"] for record in data.lines(train / data.FILES[4])]
    questions = [q["question"] for q in _records(sets / "cmrc-trial" / "questions.jsonl")]
    print(f"{embedder.name}, {embedder.dimension} dimensions")
    measured = {
        "cmrc-trial": reading(embedder, sets / "cmrc-trial"),
        "cmrc-trial among train passages": reading(embedder, sets / "cmrc-trial", distractors),
        "drcd-dev": reading(embedder, sets / "drcd-dev"),
        "English titles": english(embedder, train),
        "speed": speed(embedder, distractors, questions[:500]),
    }
    for name, figures in measured.items():
        print(f"{name:32}", "  ".join(f"{what} {value:.4g}" for what, value in figures.items()))


if __name__ == "__main__":
    main()
