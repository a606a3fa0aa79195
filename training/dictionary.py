"""Makes the English-Chinese dictionary: ``python -m training.dictionary --data ../shared/train``.

IBM Model 1 (Brown et al., The Mathematics of Statistical Machine Translation, 1993) over the sets of words of titles
and abstracts in both languages, fitted by expectation maximisation; what is kept is P(Chinese word | English word).
"""

import argparse
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import rjieba
from numpy.typing import NDArray
from rich.progress import track

from rag.gloss import PATH, WORD
from rag.text import fold
from training.data import lines, paper, part_of

ROUNDS = 6
TITLE_WEIGHT = 3.0  # a title's few words are better aligned than an abstract's many
SEEN = (10, 4)  # pairs in which an English and a Chinese word occur at least
LIKELY = 0.08  # probability from which a translation is kept, if it is a fifth of the likeliest one
MOST = 4  # translations of a word
_HAN = re.compile(r"[一-鿿]{2,}")

Pair = tuple[frozenset[str], frozenset[str], float]


def read(data: Path) -> list[Pair]:
    """English words, Chinese words and weight of each pair; papers that are measured on are left out."""
    pairs = []
    for row in lines(data / "chinaxiv_zh_en.jsonl.xz"):
        if part_of(paper(row["src"]), "chinaxiv") == "test":
            continue
        english = frozenset(WORD.findall(fold(row["en"])))
        chinese = frozenset(word for word in rjieba.cut(fold(row["zh"])) if _HAN.fullmatch(word))
        pairs.append((english, chinese, TITLE_WEIGHT if row["kind"] == "title" else 1.0))
    return pairs


def align(pairs: list[Pair], rounds: int = ROUNDS, seen: tuple[int, int] = SEEN) -> dict[str, dict[str, float]]:
    """P(Chinese | English) of the likely translations of each English word, the likeliest first."""
    occurrences = Counter(w for e, _, _ in pairs for w in e), Counter(w for _, z, _ in pairs for w in z)
    known = [
        [w for w, n in sorted(found.items()) if n >= least] for found, least in zip(occurrences, seen, strict=True)
    ]
    english, chinese = ({word: number for number, word in enumerate(words)} for words in known)
    links: list[tuple[NDArray[np.intp], NDArray[np.intp], float]] = []
    for e, z, weight in pairs:
        left = np.array(sorted(english[w] for w in e if w in english), dtype=np.intp)
        right = np.array(sorted(chinese[w] for w in z if w in chinese), dtype=np.intp)
        if len(left) and len(right):
            links.append((left, np.append(right, len(chinese)), weight))  # the last row is the empty word
    table = np.ones((len(chinese) + 1, len(english)), dtype=np.float32)  # P(English | Chinese), unnormalised at first
    for _ in track(range(rounds), "aligning"):
        counts = np.zeros_like(table)
        for left, right, weight in links:
            cells = np.ix_(right, left)
            share = table[cells]
            counts[cells] += weight * share / np.maximum(share.sum(0), 1e-12)
        table = counts / np.maximum(counts.sum(1, keepdims=True), 1e-9)
    likely = counts / np.maximum(counts.sum(0), 1e-9)
    made = {}
    for word, i in english.items():
        best = [
            j
            for j in np.argsort(-likely[:, i], kind="stable")[:MOST]
            if likely[j, i] >= max(LIKELY, 0.2 * likely[:-1, i].max()) and j < len(chinese)
        ]
        if best:
            made[word] = {known[1][j]: round(float(likely[j, i]), 2) for j in best}
    return made


def main() -> None:
    """Write the dictionary that ``rag.gloss`` reads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=PATH)
    args = parser.parse_args()
    made = align(read(args.data))
    rows = ",\n".join(f"{json.dumps(w)}: {json.dumps(z, ensure_ascii=False)}" for w, z in sorted(made.items()))
    args.out.write_text(f"{{\n{rows}\n}}\n", encoding="utf-8")
    print(f"{len(made)} words to {args.out}")


if __name__ == "__main__":
    main()
