"""How much the dense score should weigh: ``python -m benchmarks.fusion --shared ../shared [--model M --unseen S]``.

Prints the share of questions whose document comes first, and among the first five, by weight of the dense score (0 is
BM25 alone, «dense» the vectors alone), for CMRC 2018's training questions and, where they lie there, the two reading
sets. The weight is chosen on the training questions; ``--model`` names an embedder that was trained without those of
a share ``--unseen`` of the passages, so that it is not chosen on what it learnt by heart.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from rag.analyze import query_terms
from rag.engine import Engine
from rag.retrieve import DENSE_WEIGHT, fuse
from rag.types import Document
from training.data import place
from training.situations import read_cmrc

WEIGHTS = (0.0, 0.03, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1e6)
Asked = Sequence[tuple[str, str]]  # question, id of its document


def measure(documents: Sequence[Document], asked: Asked, model: str | None) -> list[tuple[float, float, float]]:
    """Weight, recall@1 and recall@5 of documents, a row a weight."""
    with TemporaryDirectory() as folder:
        engine = Engine.open(Path(folder), model=model)
        engine.add(documents)
        snapshot, embedder = engine._index.snapshot(), engine._embedder
        owners = np.array([snapshot.row(number).document.id for number in range(snapshot.rows)])
        ranks: dict[float, list[int]] = {weight: [] for weight in WEIGHTS}
        for (question, gold), vector in zip(asked, embedder.queries([q for q, _ in asked]), strict=True):
            terms = query_terms(question)
            lexical, dense, ceiling = snapshot.lexical(terms), snapshot.dense(vector), float(snapshot.idf(terms).sum())
            for weight, found in ranks.items():
                fused = fuse(lexical, dense, ceiling, weight)
                better = fused > fused[owners == gold].max()
                found.append(len(set(owners[better])))
        engine.close()
    return [(w, float(np.mean(np.array(r) == 0)), float(np.mean(np.array(r) < 5))) for w, r in ranks.items()]


def main() -> None:
    """Print one table a set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="folder that holds train/ and eval/")
    parser.add_argument("--model")
    parser.add_argument("--unseen", type=float, default=1.0)
    args = parser.parse_args()
    passages, questions = read_cmrc(args.shared / "train")
    chosen = [(q.text, q.document_id) for q in questions if place(q.document_id) < args.unseen]
    sets: list[tuple[str, Sequence[Document], Asked]] = [("cmrc2018 train", list(passages.values()), chosen)]
    for name, separator in (("cmrc-trial", "_QUERY"), ("drcd-dev", "-")):
        folder = args.shared / "eval" / name
        if folder.is_dir():
            with (folder / "documents.jsonl").open(encoding="utf-8") as lines:
                documents = [Document(**json.loads(line)) for line in lines]
            with (folder / "questions.jsonl").open(encoding="utf-8") as lines:
                items = [json.loads(line) for line in lines]
            asked = [(i["question"], i["id"].rpartition(separator)[0]) for i in items if i["answerable"]]
            sets.append((name, documents, asked))
    for title, library, questions_of in sets:
        print(f"\n{title}: {len(library)} documents, {len(questions_of)} questions\n")
        print("| weight | recall@1 | recall@5 |\n|--:|--:|--:|")
        for weight, first, five in measure(library, questions_of, args.model):
            label = "dense" if weight > 100 else f"**{weight}**" if weight == DENSE_WEIGHT else f"{weight}"
            print(f"| {label} | {first:.4f} | {five:.4f} |")


if __name__ == "__main__":
    main()
