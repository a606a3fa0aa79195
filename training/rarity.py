"""Counts how rare terms are in Chinese text at large: ``python -m training.rarity --data ../shared/train``.

And which words that the tagger's dictionary takes for names are none: what stands after «一个», «各», «某» or «不» more
than once in a while, or after «的» very often, is a common word, whatever the dictionary says.
"""

import argparse
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rjieba
from numpy.typing import NDArray
from rich.progress import track

from rag.analyze import analyze
from rag.answer.rarity import WEIGHTS, keys_of
from rag.answer.signs import NAME_TAGS
from rag.text import fold
from training.data import lines

FEW, OWNED = 0.018, 0.15  # share of a word's uses after other words like these, with «的», from which it is common
DOUBT = 10  # uses that a word is taken to have besides as a name
_BEFORE_NOUNS = frozenset(
    "个 一个 各 该 本 其 某 这 那 任何 这个 这些 那些 一些 所有 每个 种 一种 项 一项 某些 各种 此 很多 许多 几个 两个 "
    "座 一座 多个 主要 重要 不同 我们 他们 自己 不 未 没有 应当 可以 能够 能 必须 不得 已 已经 进行 就 更 较 最 "
    "很".split()
)
_HAN = re.compile("[一-鿿]")
PARTS = {"chinaxiv_paragraphs.jsonl.xz": ("text", 2), "laws_articles.jsonl.xz": ("d", 2)}  # field, one of how many


def background(texts: Sequence[str], limit: int = 250_000) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Keys and idf levels (0..255) of the commonest terms of ``texts``; what is not among them counts as 255."""
    df = Counter(term for text in track(texts, "term weights") for term in set(analyze(text)))
    common = [(term, n) for term, n in df.most_common(limit) if n > 2]
    rarest = np.log1p(len(texts) / 2)
    weight = np.log1p([len(texts) / (n + 0.5) for _, n in common]) / rarest
    # Of two terms with one key the commoner stays: 250,000 keys of 32 bits meet seven times, an unseen term hits one in
    # 17,000 times.
    keys, first = np.unique(keys_of([term for term, _ in common]), return_index=True)
    return keys, np.rint(255 * np.clip(weight, 0, 1)).astype(np.uint8)[first]


def used_as_common(texts: Sequence[str]) -> list[str]:
    """Words of two characters and more, tagged as names in the dictionary, that stand where common words do.

    Looked at only where no other word of two characters follows: 一个希腊神话 says nothing of 希腊.
    """
    seen, few, owned = Counter[str](), Counter[str](), Counter[str]()
    for text in track(texts, "names"):
        words: list[str] = ["", *rjieba.cut(fold(text)), ""]
        for before, word, after in zip(words, words[1:], words[2:], strict=False):
            if len(word) > 1 and (len(after) < 2 or not _HAN.match(after)):
                seen[word] += 1
                few[word] += before in _BEFORE_NOUNS
                owned[word] += before == "的"
    found = []
    for word, n in seen.items():
        share, whole = few[word] / (n + DOUBT), (few[word] + owned[word]) / (n + DOUBT)
        if (few[word] >= 3 and share >= FEW) or (few[word] + owned[word] >= 4 and whole >= OWNED):
            known: list[tuple[str, str]] = rjieba.tag(word, hmm=False)
            if len(known) == 1 and known[0][1].startswith(NAME_TAGS):
                found.append(word)
    return found


def main() -> None:
    """Count, write ``rag/answer/rarity.npz``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    args = parser.parse_args()
    texts = [row["text"] for row in lines(args.data / "cmrc2018_train_passages.jsonl.xz")]
    every = list(texts)
    for name, (field, step) in PARTS.items():
        for i, row in enumerate(lines(args.data / name)):
            if i % step == 0:
                texts.append(row[field])
            every.append(row[field])
    terms, levels = background(texts)
    common = np.sort(keys_of(used_as_common(every)))
    np.savez_compressed(args.out, terms=terms, levels=levels, common=common)
    print(f"{len(terms)} terms, {len(common)} of the dictionary's names are common words")


if __name__ == "__main__":
    main()
