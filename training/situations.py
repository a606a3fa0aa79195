"""The situations that the answer stage is trained in: libraries drawn from passages, and questions asked of them.

Libraries hold one to a thousand passages of CMRC 2018's training set. Of some documents a sentence that answers a
question is taken out, so that the question becomes a near miss; some questions are asked of another thing, place or
year, some of a subject whose texts do not say it, some of what is not there. What the service would do is done for
real: chunks, BM25, vectors, fusion, reader, units, features.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from rag.analyze import analyze, query_terms
from rag.answer.consider import Tools, consider
from rag.answer.rarity import Weight
from rag.answer.units import sentence_numbers
from rag.chunk import chunk
from rag.embed import Embedder, StaticEmbedder
from rag.entries import indexed
from rag.index.lexical import Segment
from rag.index.part import Part
from rag.index.snapshot import Snapshot
from rag.memo import Memo
from rag.record.rows import Stored
from rag.retrieve import retrieve
from rag.text import fold, sentences
from rag.types import Chunk, Document
from training.near_misses import attributed, content, crossed, swapped
from training.noise import Neighbours, mistyped
from training.questions import Question

VERSION = 19  # raised whenever other samples would be drawn, so that stored ones are not taken for them
TOP_K = 5
KINDS = ("present", "removed", "swapped", "crossed", "akin", "absent")
SIZES = (1, 1, 1, 1, 3, 10, 30, 100, 300, 1000)  # documents of a library, drawn evenly by questions
REWORDED = 0.15  # share of all questions that are asked in other words than they were: mistyped, a word left out
NEAR = 6  # passages that count as being on the topic of another
Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sample:
    """One question asked of one library: its units' features, which of them answer (none: all False), what it was."""

    features: Matrix  # (n, f)
    sentences: NDArray[np.int32]  # (n,), which sentence each unit is of
    right: NDArray[np.bool_]  # (n,)
    kind: str  # one of KINDS
    size: int
    found: bool  # whether the answer lies in the passages found


class Shelf:
    """Chunks, terms and vectors of documents, made once for each text."""

    def __init__(self, embedder: StaticEmbedder) -> None:
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
    weight: Weight,
    like: Neighbours,
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
            pending: list[tuple[Question, str]] = []
            for i in chosen:
                library[i], own = _mutilated(documents[i], by_document[i], rng)
                pending += own
            held = set(chosen)
            if size == 1 and rng.random() < 0.67:
                added = rng.sample(near[chosen[0]], rng.randint(2, NEAR))
                held |= set(added)
                library, pending = _lengthened(library, pending, [documents[i] for i in added], rng)
            rng.shuffle(pending)
            pending = pending[: asks - asked]
            wanted = max(1, len(pending) // 3)
            close = [i for c in rng.sample(chosen, min(len(chosen), wanted)) for i in near[c] if i not in held]
            others = [i for i in rng.sample(ids, min(len(ids), 2 * wanted)) if i not in held]
            absent = [q for i in (*close[: (wanted + 1) // 2], *others[:wanted]) for q in by_document.get(i, [])[:1]]
            present = [q for q, kind in pending if kind == "present"]
            pending += [(q, "swapped") for q in _swapped(present, library, documents, rng)]
            foreign = [q for i in rng.sample(ids, min(len(ids), 60 + wanted)) if i not in held for q in by_document[i]]
            pending += [(q, "crossed") for q in _crossed(foreign[: 16 * wanted], library, documents, rng)[:wanted]]
            if size <= 3:
                pending += [(q, "akin") for q in _akin(foreign, library, weight)[: (wanted + 1) // 2]]
            pending += [(q, "absent") for q in absent[:wanted]]
            pending = [(_reworded(q, like, rng, weight), kind) for q, kind in pending]
            asked += len(pending)
            yield library, pending


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
    library: dict[str, Document], pending: Sequence[tuple[Question, str]], more: Sequence[Document], rng: random.Random
) -> tuple[dict[str, Document], list[tuple[Question, str]]]:
    """The one document of the library with other texts before and after its own."""
    (id, document), cut = next(iter(library.items())), rng.randint(0, len(more))
    before = "".join(d.text + "\n\n" for d in more[:cut])
    after = "".join("\n\n" + d.text for d in more[cut:])
    moved = [(replace(q, start=q.start + len(before)), kind) for q, kind in pending]
    return {id: replace(document, text=before + document.text + after)}, moved


def _swapped(
    present: Sequence[Question], library: dict[str, Document], documents: dict[str, Document], rng: random.Random
) -> list[Question]:
    """Half of the questions asked of another thing, place or year: what is said of that stands nowhere."""
    others = list((library if len(library) > 5 else documents).values())
    made = []
    for question in present:
        if rng.random() < 0.5 and (text := swapped(question.text, library[question.document_id], others, rng)):
            made.append(replace(question, text=text))
    return made


def _crossed(
    foreign: Sequence[Question], library: dict[str, Document], documents: dict[str, Document], rng: random.Random
) -> list[Question]:
    """Questions of other documents, asked of what the library speaks of, which says none of it."""
    made = []
    for question in foreign:
        other = rng.choice(list(library.values()))
        about = [d for d in library.values() if other.title in d.text or d.title == other.title]
        title = documents[question.document_id].title
        ways = [
            crossed(question.text, title, other, [*about, other]),
            attributed(question.text, other, [*about, other]),
        ]
        if found := [text for text in ways if text]:
            made.append(replace(question, text=rng.choice(found), document_id=other.id))
    return made


def _akin(foreign: Sequence[Question], library: dict[str, Document], weight: Weight) -> list[Question]:
    """Questions of other documents, those first whose words the library holds most of: it speaks of them, no more."""
    text = fold("\n".join(f"{d.title}\n{d.text}" for d in library.values()))

    def share(question: Question) -> float:
        words = [fold(word) for word in content(question.text)]
        return sum(weight(w) for w in words if w in text) / (1 + sum(map(weight, words)))

    return sorted((q for q in foreign if fold(q.answer) not in text), key=share, reverse=True)


def _reworded(question: Question, like: Neighbours, rng: random.Random, weight: Weight) -> Question:
    text = mistyped(question.text, like, rng, weight) if rng.random() < REWORDED else None
    return replace(question, text=text) if text else question


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
    documents: dict[str, Document], questions: Sequence[Question], tools: Tools, shelf: Shelf, asks: int, seed: int,
    like: Neighbours,
) -> list[Sample]:  # fmt: skip
    """Everything that is asked of all libraries, as the answer stage sees it."""
    made = []
    sentences = Memo(shelf.embedder.passages, 50_000)
    near = neighbours(documents, shelf.embedder)
    drawn = libraries(documents, questions, near, asks, random.Random(seed), tools.weight, like)
    for library, pending in track(list(drawn), "asking"):
        searched = snapshot(library, shelf)
        for question, kind in pending:
            vector = shelf.embedder.queries([question.text])[0]
            hits = retrieve(searched, query_terms(question.text), vector, top_k=TOP_K, embed=sentences).hits
            candidates, matrix = consider(question.text, hits, library, tools)
            if not candidates:
                continue
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
