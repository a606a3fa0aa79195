"""How much the dense score should weigh: ``python -m benchmarks.fusion --shared ../shared [--model M --unseen S]``.

Prints the share of questions whose document comes first, and among the first five, by weight of the dense score (0 is
BM25 alone, «dense» the vectors alone), for CMRC 2018's training questions and, where they lie there, the two reading
sets, cmrc-trial once more among the passages of training. The weight is chosen on the training questions; ``--model``
names an embedder that was trained without those of a share ``--unseen`` of the passages, so that it is not chosen on
what it learnt by heart, or any other one: of such a model ``rag.trust`` measures by what the weight is multiplied, and
a row for each ``--base`` shows what comes of it, beside BM25 alone. The ranking is the product's; ``--whole`` leaves
out its closer look at sentences.
"""

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from rag.analyze import query_terms
from rag.engine import Engine
from rag.retrieve import DENSE_WEIGHT, retrieve
from rag.types import Document
from training.data import place
from training.questions import read_cmrc

WEIGHTS = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 1e6)
FIRST = 20  # passages looked at for five documents
Asked = Sequence[tuple[str, str]]  # question, id of its document


def measure(
    documents: Sequence[Document], asked: Asked, model: str | None, bases: Sequence[float], vectors: Path, whole: bool
) -> tuple[float, list[tuple[float, float, float]]]:
    """The factor that the model is given, and rows of weight, recall@1 and recall@5 of documents.

    The rows are of ``WEIGHTS``, then of each base times the factor. The record in ``vectors`` is made, or taken as it
    is where it was made of the same.
    """
    engine = Engine.open(vectors, model=model)
    engine.add(documents)
    snapshot, embedder = engine._index.snapshot(), engine._embedder
    factor = engine._trust.factor(snapshot.sequence)
    weights = (*WEIGHTS, *(base * factor for base in bases))
    embed = None if whole else engine._sentences
    ranks = []
    for (question, gold), vector in zip(asked, embedder.queries([q for q, _ in asked]), strict=True):
        terms = query_terms(question)
        found = (retrieve(snapshot, terms, vector, top_k=FIRST, weight=weight, embed=embed) for weight in weights)
        orders = (list(dict.fromkeys(hit.document_id for hit in some.hits)) for some in found)
        ranks.append([order.index(gold) if gold in order else FIRST for order in orders])
    engine.close()
    first, five = np.mean(np.array(ranks) == 0, axis=0), np.mean(np.array(ranks) < 5, axis=0)
    return factor, list(zip(weights, first.tolist(), five.tolist(), strict=True))


def read(shared: Path, unseen: float) -> list[tuple[str, Sequence[Document], Asked]]:
    """Name, documents and questions of each set."""
    passages, questions = read_cmrc(shared / "train")
    train = list(passages.values())
    chosen = [(q.text, q.document_id) for q in questions if place(q.document_id) < unseen]
    sets: list[tuple[str, Sequence[Document], Asked]] = [("cmrc2018 train", train, chosen)]
    for name, separator in (("cmrc-trial", "_QUERY"), ("drcd-dev", "-")):
        folder = shared / "eval" / name
        if folder.is_dir():
            with (folder / "documents.jsonl").open(encoding="utf-8") as lines:
                documents = [Document(**json.loads(line)) for line in lines]
            with (folder / "questions.jsonl").open(encoding="utf-8") as lines:
                items = [json.loads(line) for line in lines]
            asked = [(i["question"], i["id"].rpartition(separator)[0]) for i in items if i["answerable"]]
            sets.append((name, documents, asked))
            if name == "cmrc-trial":
                sets.append((f"{name} among train", [*documents, *train], asked))
    return sets


def main() -> None:
    """Print one table a set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="folder that holds train/ and eval/")
    parser.add_argument("--model")
    parser.add_argument("--unseen", type=float, default=1.0)
    parser.add_argument("--base", type=float, nargs="*", default=[DENSE_WEIGHT], help="weights of the shipped model")
    parser.add_argument("--questions", type=int, help="asked at most of a set, the same in every run")
    parser.add_argument("--whole", action="store_true", help="chunks' own vectors alone, no closer look at sentences")
    parser.add_argument("--keep", type=Path, help="folder for the records, so that another run embeds no passage again")
    args = parser.parse_args()
    for title, library, asked in read(args.shared, args.unseen):
        if args.questions and len(asked) > args.questions:
            asked = random.Random(0).sample(asked, args.questions)
        with TemporaryDirectory() as folder:
            vectors = (args.keep or Path(folder)) / title.replace(" ", "-")
            factor, rows = measure(library, asked, args.model, args.base if args.model else (), vectors, args.whole)
        print(f"\n{title}: {len(library)} documents, {len(asked)} questions\n", flush=True)
        print("| weight | recall@1 | recall@5 |\n|--:|--:|--:|")
        labels = ["dense" if w > 100 else f"**{w}**" if w == DENSE_WEIGHT else f"{w}" for w in WEIGHTS]
        labels += [f"{base} × {factor:.3f} = {base * factor:.3f}" for base in args.base]
        for label, (_, first, five) in zip(labels, rows, strict=False):
            print(f"| {label} | {first:.4f} | {five:.4f} |", flush=True)


if __name__ == "__main__":
    main()
