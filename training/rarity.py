"""Counts how rare terms are in Chinese text at large: ``python -m training.rarity --data ../shared/train``."""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from rag.analyze import analyze
from rag.answer.rarity import WEIGHTS
from rag.index.lexical import hash_terms
from training.data import lines

PARTS = {"chinaxiv_paragraphs.jsonl.xz": ("text", 6), "laws_articles.jsonl.xz": ("d", 10)}  # field, one of how many


def background(texts: Sequence[str], limit: int = 60_000) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    """Hashes and idf levels (0..255) of the commonest terms of ``texts``; what is not among them counts as 255."""
    df = Counter(term for text in track(texts, "term weights") for term in set(analyze(text)))
    common = [(term, n) for term, n in df.most_common(limit) if n > 2]
    rarest = np.log1p(len(texts) / 2)
    weight = np.log1p([len(texts) / (n + 0.5) for _, n in common]) / rarest
    hashes = hash_terms([term for term, _ in common])
    order = np.argsort(hashes)
    levels = np.rint(255 * np.clip(weight, 0, 1)).astype(np.uint8)
    return hashes[order], levels[order]


def main() -> None:
    """Count, write ``rag/answer/rarity.npz``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    args = parser.parse_args()
    texts = [row["text"] for row in lines(args.data / "cmrc2018_train_passages.jsonl.xz")]
    for name, (field, step) in PARTS.items():
        texts += [row[field] for i, row in enumerate(lines(args.data / name)) if i % step == 0]
    terms, levels = background(texts)
    np.savez_compressed(args.out, terms=terms, levels=levels)


if __name__ == "__main__":
    main()
