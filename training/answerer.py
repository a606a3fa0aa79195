"""Trains the weights of the answer stage: ``python -m training.answerer --data ../shared/train``.

From CMRC 2018's training questions alone. Small libraries are drawn from its passages, of one to two thousand
documents; of some documents a sentence that answers a question is taken out, so that the question becomes a near miss.
Each library is asked its own questions and some of others. What the service would do at that point is done for real:
chunks, BM25, vectors, fusion, units, features. The network learns which unit answers, and when none does; questions on
passages that it never saw fit the calibration and the threshold.
"""

import argparse
import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track

from rag.analyze import analyze, query_terms
from rag.answer.features import NAMES, features
from rag.answer.memo import Memo
from rag.answer.scorer import WEIGHTS, Scorer, signals
from rag.answer.units import sentence_numbers, units
from rag.chunk import chunk
from rag.embed import Embedder, load
from rag.engine import indexed
from rag.index.lexical import Segment, hash_terms
from rag.index.part import Part
from rag.index.snapshot import Snapshot
from rag.record.rows import Stored
from rag.retrieve import retrieve
from rag.text import fold, sentences
from rag.types import Chunk, Document
from training.data import lines, place

SITUATIONS = 6  # raised whenever other samples would be drawn, so that stored ones are not taken for them
TOP_K = 5
KINDS = ("present", "removed", "swapped", "absent")
_YEAR = re.compile(r"(?<!\d)[12]\d{3}(?=年)")
SIZES = (1, 1, 1, 1, 3, 10, 30, 100, 300, 1000)  # documents of a library, drawn evenly by questions
REFUSED = 0.045  # of the questions whose answer is there
NEAR = 6  # passages that count as being on the topic of another
Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Question:
    """One training question and where its answer stands in the whole passage."""

    text: str
    document_id: str
    answer: str
    start: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One question asked of one library: its units' features, which of them answer (none: all False), what it was."""

    features: Matrix  # (n, f)
    sentences: NDArray[np.int32]  # (n,), which sentence each unit is of
    right: NDArray[np.bool_]  # (n,)
    kind: str  # "present" | "removed" | "swapped" | "absent"
    size: int
    found: bool  # whether the answer lies in the passages found


def read_cmrc(data: Path) -> tuple[dict[str, Document], list[Question]]:
    """Passages and questions of CMRC 2018's training set."""
    documents = {
        row["id"]: Document(id=row["id"], title=row["title"], text=row["text"])
        for row in lines(data / "cmrc2018_train_passages.jsonl.xz")
    }
    questions = [
        Question(row["question"], row["passage_id"], row["answers"][0], row["answer_start"])
        for row in lines(data / "cmrc2018_train_questions.jsonl.xz")
        if row["passage_id"] in documents
    ]
    return documents, [q for q in questions if documents[q.document_id].text[q.start :].startswith(q.answer)]


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


class Shelf:
    """Chunks, terms and vectors of documents, made once for each text."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self._made: dict[str, tuple[list[Chunk], Segment, Matrix]] = {}

    def of(self, document: Document) -> tuple[list[Chunk], Segment, Matrix]:
        """Chunks, their terms as a segment, and their vectors ``(chunks, d)`` float32."""
        if document.text not in self._made:
            chunks = chunk(document)
            inputs = [indexed(c) for c in chunks]
            segment = Segment.build([analyze(text) for text in inputs])
            self._made[document.text] = (chunks, segment, self.embedder.passages(inputs))
        return self._made[document.text]


class _Texts:
    """What a snapshot reads of a record, from memory."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def texts(self, keys: Iterable[int]) -> dict[int, str]:
        return {key: self._texts[key] for key in keys}


def snapshot(library: dict[str, Document], shelf: Shelf) -> Snapshot:
    """The index of a library, in memory."""
    stored, segments = [], []
    for key, document in enumerate(library.values()):
        chunks, segment, vectors = shelf.of(document)
        stored.append(Stored(key, b"", document, tuple(chunks), vectors))
        segments.append(segment)
    part = Part.build(stored, segments, shelf.embedder.dimension)
    return Snapshot(_Texts([d.text for d in library.values()]), 0, (part,), (None,), "")  # type: ignore[arg-type]


def libraries(
    documents: dict[str, Document],
    questions: Sequence[Question],
    near: dict[str, list[str]],
    asks: int,
    rng: random.Random,
) -> Iterator[tuple[dict[str, Document], list[tuple[Question, str]]]]:
    """Libraries of every size with the questions asked of them, until each size was asked ``asks`` questions.

    ``near`` names for each passage those nearest to it: a library of one document is in two of three cases a long one,
    of passages on one topic, and half of the absent questions are on the topic of what is there.
    """
    by_document: dict[str, list[Question]] = {}
    for question in questions:
        by_document.setdefault(question.document_id, []).append(question)
    ids = sorted(by_document)
    for size in SIZES:
        asked = 0
        while asked < asks:
            chosen = rng.sample(ids, min(size, len(ids) * 2 // 3))
            library: dict[str, Document] = {}
            todo: list[tuple[Question, str]] = []
            for i in chosen:
                library[i], own = _mutilated(documents[i], by_document[i], rng)
                todo += own
            held = set(chosen)
            if size == 1 and rng.random() < 0.67:
                added = rng.sample(near[chosen[0]], rng.randint(2, NEAR))
                held |= set(added)
                library, todo = _lengthened(library, todo, [documents[i] for i in added], rng)
            rng.shuffle(todo)
            todo = todo[: asks - asked]
            wanted = max(1, len(todo) // 3)
            close = [i for c in rng.sample(chosen, min(len(chosen), wanted)) for i in near[c] if i not in held]
            others = [i for i in rng.sample(ids, min(len(ids), 2 * wanted)) if i not in held]
            absent = [q for i in (*close[: (wanted + 1) // 2], *others[:wanted]) for q in by_document.get(i, [])[:1]]
            present = [q for q, kind in todo if kind == "present"]
            todo += [(q, "swapped") for q in _swapped(present, library, documents, rng)]
            todo += [(q, "absent") for q in absent[:wanted]]
            asked += len(todo)
            yield library, todo


def neighbours(documents: dict[str, Document], embedder: Embedder) -> dict[str, list[str]]:
    """For each passage the ``NEAR`` nearest others that bear another title."""
    ids = list(documents)
    vectors = embedder.passages([f"{d.title}\n{d.text}" for d in documents.values()])
    order = np.argsort(-(vectors @ vectors.T), axis=1)[:, : 3 * NEAR]
    return {
        i: [ids[j] for j in row if documents[ids[j]].title != documents[i].title][:NEAR]
        for i, row in zip(ids, order, strict=True)
    }


def _lengthened(
    library: dict[str, Document], todo: Sequence[tuple[Question, str]], more: Sequence[Document], rng: random.Random
) -> tuple[dict[str, Document], list[tuple[Question, str]]]:
    """The one document of the library with other texts before and after its own."""
    (id, document), cut = next(iter(library.items())), rng.randint(0, len(more))
    before = "".join(d.text + "\n\n" for d in more[:cut])
    after = "".join("\n\n" + d.text for d in more[cut:])
    moved = [(replace(q, start=q.start + len(before)), kind) for q, kind in todo]
    return {id: replace(document, text=before + document.text + after)}, moved


def _swapped(
    present: Sequence[Question], library: dict[str, Document], documents: dict[str, Document], rng: random.Random
) -> list[Question]:
    """Some of the questions asked of another thing or another year: what is said of that stands nowhere."""
    titles = [d.title for d in (library if len(library) > 5 else documents).values()]
    made = []
    for question in present:
        document = library[question.document_id]
        if rng.random() < 0.5:
            continue
        year = _YEAR.search(question.text)
        if document.title in question.text and len(document.title) > 1 and (not year or rng.random() < 0.5):
            other = rng.choice(titles)
            if other not in document.text and document.title not in other:
                made.append(replace(question, text=question.text.replace(document.title, other)))
        elif year:
            other = str(int(year.group()) + rng.choice([-7, -4, -3, -2, -1, 1, 2, 3, 5, 9]))
            if other not in document.text:
                made.append(replace(question, text=question.text.replace(year.group(), other)))
    return made


def _mutilated(
    document: Document, own: Sequence[Question], rng: random.Random
) -> tuple[Document, list[tuple[Question, str]]]:
    """The document, in three of four cases without the sentences that answer one of its questions."""
    if rng.random() > 0.75:
        return document, [(q, "present") for q in own]
    victim = rng.choice(own)
    gone = [
        (s, e) for s, e in sentences(document.text)
        if s < victim.start + len(victim.answer) and victim.start < e
    ]  # fmt: skip
    text = document.text[: gone[0][0]] + document.text[gone[-1][1] :]
    if len(text) < 60:
        return document, [(q, "present") for q in own]
    asked = []
    for q in own:
        if not any(s < q.start + len(q.answer) and q.start < e for s, e in gone):
            at = q.start if q.start < gone[0][0] else q.start - (gone[-1][1] - gone[0][0])
            asked.append((replace(q, start=at), "present"))
        elif q.answer not in text:
            asked.append((q, "removed"))
    return replace(document, text=text), asked


def samples(
    documents: dict[str, Document], questions: Sequence[Question], scorer: Scorer, shelf: Shelf, asks: int, seed: int
) -> list[Sample]:
    """Everything that is asked of all libraries, as the answer stage sees it."""
    made = []
    memo = Memo(shelf.embedder, limit=100_000)
    near = neighbours(documents, shelf.embedder)
    drawn = libraries(documents, questions, near, asks, random.Random(seed))
    for library, todo in track(list(drawn), "asking"):
        searched = snapshot(library, shelf)
        for question, kind in todo:
            vector = shelf.embedder.queries([question.text])[0]
            hits = retrieve(searched, query_terms(question.text), vector, top_k=TOP_K).hits
            candidates = units(hits, library)
            if not candidates:
                continue
            matrix = features(question.text, candidates, hits, library, scorer.weight, memo)
            right = np.array(
                [kind == "present" and _answers(u.document_id, u.start, u.end, u.text, question) for u in candidates]
            )
            found = any(
                h.document_id == question.document_id and h.start <= question.start < h.end for h in hits
            ) and kind == "present"  # fmt: skip
            made.append(Sample(matrix, sentence_numbers(candidates), right, kind, len(library), found))
    return made


def kept(path: Path, make: Callable[[], list[Sample]]) -> list[Sample]:
    """The samples stored at ``path``, or those that ``make`` gives, stored there: the stage that takes longest."""
    if not path.is_file():
        made = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(
            path,
            features=np.concatenate([s.features for s in made]),
            sentences=np.concatenate([s.sentences for s in made]),
            right=np.concatenate([s.right for s in made]),
            counts=np.array([len(s.right) for s in made]),
            kinds=np.array([s.kind for s in made]),
            sizes=np.array([s.size for s in made]),
            found=np.array([s.found for s in made]),
        )
    with np.load(path, allow_pickle=False) as stored:
        bounds = np.cumsum(stored["counts"])[:-1]
        columns = [np.split(stored[name], bounds) for name in ("features", "sentences", "right")]
        rest = (stored["kinds"].tolist(), stored["sizes"].tolist(), stored["found"].tolist())
        return [Sample(*row) for row in zip(*columns, *rest, strict=True)]


def _answers(document_id: str, start: int, end: int, text: str, question: Question) -> bool:
    if document_id != question.document_id:
        return False
    inside = start <= question.start and question.start + len(question.answer) <= end
    return inside or (len(question.answer) >= 4 and fold(question.answer) in fold(text))


def fit(train: Sequence[Sample], valid: Sequence[Sample], hidden: int, epochs: int, seed: int) -> dict[str, Any]:
    """The network that gives the right units, and «none» where there is none, the greatest share of a softmax."""
    torch.manual_seed(seed)
    stacked = np.concatenate([s.features for s in train])
    mean, scale = stacked.mean(0), stacked.std(0) + 1e-3
    net = torch.nn.Sequential(
        torch.nn.Linear(len(NAMES), hidden),
        torch.nn.ReLU(),
        torch.nn.Dropout(0.15),
        torch.nn.Linear(hidden, 1, bias=False),
    )
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-3)
    order = np.random.default_rng(seed)
    best, kept = np.inf, {k: v.clone() for k, v in net.state_dict().items()}
    batches = max(1, len(train) // 128)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, epochs * batches)
    for epoch in range(epochs):
        net.train()
        for part in np.array_split(order.permutation(len(train)), batches):
            loss = _loss(net, [train[i] for i in part], mean, scale)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        net.eval()
        with torch.no_grad():
            lost = float(_loss(net, valid, mean, scale))
        if lost < best:
            best, kept = lost, {k: v.clone() for k, v in net.state_dict().items()}
        print(f"epoch {epoch + 1}/{epochs} held-out loss {lost:.4f}", flush=True)
    return {
        "mean": mean, "scale": scale, "w1": kept["0.weight"].numpy().T.copy(), "b1": kept["0.bias"].numpy(),
        "w2": kept["3.weight"].numpy()[0],
    }  # fmt: skip


def joined(members: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One network that gives the mean of the members' logits: their hidden units side by side."""
    return {
        "mean": members[0]["mean"],
        "scale": members[0]["scale"],
        "w1": np.concatenate([m["w1"] for m in members], axis=1),
        "b1": np.concatenate([m["b1"] for m in members]),
        "w2": np.concatenate([m["w2"] for m in members]) / len(members),
    }


def _loss(net: torch.nn.Module, batch: Sequence[Sample], mean: Matrix, scale: Matrix) -> torch.Tensor:
    longest = max(len(s.right) for s in batch)
    x = np.zeros((len(batch), longest, len(NAMES)), dtype=np.float32)
    real = np.zeros((len(batch), longest), dtype=bool)
    right = np.zeros((len(batch), longest + 1), dtype=bool)
    for i, sample in enumerate(batch):
        n = len(sample.right)
        x[i, :n] = ((sample.features - mean) / scale).clip(-4, 4)
        real[i, :n] = True
        right[i, :n] = sample.right
        right[i, longest] = not sample.right.any()  # «none» is right
    z = net(torch.from_numpy(x)).squeeze(-1).masked_fill(~torch.from_numpy(real), -torch.inf)
    z = torch.cat([z, torch.zeros(len(batch), 1)], dim=1)
    wanted = torch.logsumexp(z.masked_fill(~torch.from_numpy(right), -torch.inf), dim=1)
    return (torch.logsumexp(z, dim=1) - wanted).mean()


def calibrate(scorer: Scorer, valid: Sequence[Sample]) -> dict[str, Any]:
    """What turns logits into a probability, and the threshold at which ``REFUSED`` of the present are refused."""
    from sklearn.linear_model import LogisticRegression

    logits = [scorer.logits(s.features) for s in valid]
    x = np.stack([signals(z, s.features, s.sentences) for z, s in zip(logits, valid, strict=True)])
    y = np.array([bool(s.right[int(np.argmax(z))]) for z, s in zip(logits, valid, strict=True)])
    present = np.array([s.kind == "present" for s in valid])
    curve = LogisticRegression(C=100.0, max_iter=1000).fit(x, y)
    sure = curve.predict_proba(x)[:, 1]
    return {
        "calibration": np.append(curve.coef_[0], curve.intercept_).astype(np.float32),
        "threshold": np.array(np.quantile(sure[present], REFUSED), np.float32),
    }


def report(scorer: Scorer, valid: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """Figures by size of the library («0» is all): right choices where the answer is there, refusals by kind."""
    table: dict[str, dict[str, float]] = {}
    for size in [*sorted({s.size for s in valid}), 0]:
        rows = [s for s in valid if size in (0, s.size)]
        logits = [scorer.logits(s.features) for s in rows]
        sure = np.array([scorer.confidence(z, s.features, s.sentences) for z, s in zip(logits, rows, strict=True)])
        right = np.array([bool(s.right[int(np.argmax(z))]) for z, s in zip(logits, rows, strict=True)])
        refused = sure < float(scorer.threshold)
        of = {kind: np.array([s.kind == kind for s in rows]) for kind in KINDS}
        present = of["present"]
        found = np.array([(s.found, s.right.any()) for s in rows])[present]
        figures = {
            "questions": len(rows),
            "found": found[:, 0].mean(),
            "possible": found[:, 1].mean(),
            "chosen": right[present].mean(),
            "answer": (right & ~refused)[present].mean(),
            "false refusals": refused[present].mean(),
            "AUROC": np.mean(sure[present][:, None] > sure[~present][None, :]),
        }
        figures |= {f"refused {kind}": refused[chosen].mean() for kind, chosen in of.items() if chosen.any()}
        table[str(size)] = {name: round(float(value), 3) for name, value in figures.items()}
    return table


def main() -> None:
    """Train, calibrate, report, write ``rag/answer/weights.npz``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--model", help="embedder that has not seen the questions; the shipped one by default")
    parser.add_argument("--unseen", type=float, default=1.0, help="share of the passages that --model has not seen")
    parser.add_argument("--asks", type=int, default=2500, help="questions asked of the libraries of each size")
    parser.add_argument("--hidden", type=int, default=24)
    parser.add_argument("--members", type=int, default=5, help="networks that are trained and averaged")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--checkpoints", type=Path, default=Path("checkpoints/answerer"))
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(2)
    documents, questions = read_cmrc(args.data)
    questions = [q for q in questions if place(q.document_id) < args.unseen]
    paragraphs = [row["text"] for i, row in enumerate(lines(args.data / "chinaxiv_paragraphs.jsonl.xz")) if i % 6 == 0]
    articles = [row["d"] for i, row in enumerate(lines(args.data / "laws_articles.jsonl.xz")) if i % 10 == 0]
    terms, levels = background([*(d.text for d in documents.values()), *paragraphs, *articles])
    zero = np.zeros(1, dtype=np.float32)
    scorer = Scorer(np.array(NAMES), zero, zero, zero, zero, zero, zero, zero, terms, levels)
    shelf = Shelf(load(args.model))
    ids = sorted({q.document_id for q in questions})
    random.Random(args.seed).shuffle(ids)
    held = set(ids[: len(ids) // 5])
    parts = [[q for q in questions if (q.document_id in held) is kept] for kept in (False, True)]
    name = hashlib.sha256(repr((SITUATIONS, NAMES, args.asks, args.seed, shelf.embedder.name)).encode()).hexdigest()[
        :12
    ]
    train, valid = (
        kept(args.checkpoints / f"{name}-{i}.npz", partial(samples, documents, part, scorer, shelf, asks, args.seed))
        for i, (part, asks) in enumerate(zip(parts, (args.asks, args.asks // 4), strict=True))
    )
    members = [fit(train, valid, args.hidden, args.epochs, args.seed + i) for i in range(args.members)]
    scorer = replace(scorer, **joined(members))
    scorer = replace(scorer, **calibrate(scorer, valid))
    np.savez_compressed(args.out, **{name: getattr(scorer, name) for name in Scorer.__slots__})
    print("\n".join(f"{size}: {json.dumps(row)}" for size, row in report(scorer, valid).items()))


if __name__ == "__main__":
    main()
