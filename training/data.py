"""Reads the training sets and turns them into pairs of token ranges that batches are drawn from."""

import json
import lzma
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

Ids = NDArray[np.int32]
Ranges = NDArray[np.int64]  # (n, 2), half-open ranges of the flat token array
Pair = tuple[str, str, str]  # query, passage, group: pairs of one group are never each other's negatives

FILES = (
    "chinaxiv_paragraphs.jsonl.xz",
    "chinaxiv_abstracts.jsonl.xz",
    "chinaxiv_zh_en.jsonl.xz",
    "laws_articles.jsonl.xz",
    "cmrc2018_train_passages.jsonl.xz",
    "cmrc2018_train_questions.jsonl.xz",
)
VERSION = 2  # of what is prepared: raise it when this module or the vocabulary would make something else
PER_LAW = 6  # pairs drawn from one law and chapter
# By paper, law and passage: below the first bound it is held out to stop by, below the second to measure on. The
# papers to measure on have 1,000 English titles.
BOUNDS = {"chinaxiv": (0.02, 0.15), "laws": (0.02, 0.02), "cmrc": (0.02, 0.02)}
Part = Literal["train", "stop", "test"]
_SENTENCE = re.compile(r"[^。！？!?；;\n]+[。！？!?；;]*")


@dataclass
class Texts:
    """What is trained on, as text: paragraphs for pairs within a paragraph, and named sets of pairs."""

    paragraphs: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # source → (group, text)
    pairs: dict[str, list[Pair]] = field(default_factory=dict)


def part_of(group: str, source: str) -> Part:
    """What a paper, law or passage is for; the same in every run."""
    stop, test = BOUNDS[source]
    at = place(group)
    return "stop" if at < stop else "test" if at < test else "train"


def place(group: str) -> float:
    """A number from 0 to below 1 that belongs to a paper, law or passage, by which splits are made."""
    return zlib.crc32(group.encode()) % 10_000 / 10_000


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The records of one ``.jsonl.xz`` file.

    Raises FileNotFoundError where the file is absent.
    """
    with lzma.open(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)


def read(folder: Path, part: Part = "train") -> Texts:
    """All pairs of one part of the training folder. Files that are absent are left out.

    Raises FileNotFoundError where none of ``FILES`` is there.
    """
    present = [name for name in FILES if (folder / name).is_file()]
    if not present:
        raise FileNotFoundError(f"no training data in {folder}: expected at least one of {', '.join(FILES)}")
    texts = Texts()
    if FILES[0] in present:
        _paragraphs(folder, part, texts)
    if FILES[1] in present:
        _abstracts(folder, part, texts)
    if FILES[2] in present:
        _languages(folder, part, texts)
    if FILES[3] in present:
        _laws(folder, part, texts)
    if FILES[4] in present and FILES[5] in present:
        _questions(folder, part, texts)
    return texts


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph, good enough for training."""
    return [s for s in (part.strip() for part in _SENTENCE.findall(text)) if s]


def paper(identifier: str) -> str:
    """A paper's id without its version, so that two versions are never on both sides of the split."""
    return re.sub(r"V\d+$", "", identifier)


def _paragraphs(folder: Path, part: Part, texts: Texts) -> None:
    paragraphs: list[tuple[str, str]] = []
    titles: list[Pair] = []
    for record in lines(folder / FILES[0]):
        group = paper(record["paper"])
        if part_of(group, "chinaxiv") != part or len(record["text"]) < 20:
            continue
        paragraphs.append((group, record["text"]))
        titles.append((f"{record['title']} {record['heading']}", record["text"], group))
    texts.paragraphs["papers"] = paragraphs
    texts.pairs["title_paragraph"] = titles


def _abstracts(folder: Path, part: Part, texts: Texts) -> None:
    pairs = [(r["q"], r["d"], paper(r["src"])) for r in lines(folder / FILES[1])]
    texts.pairs["title_abstract"] = [pair for pair in pairs if part_of(pair[2], "chinaxiv") == part]


def _languages(folder: Path, part: Part, texts: Texts) -> None:
    """Titles and abstracts across languages, the English side as the query and the other way round."""
    parts: dict[str, dict[str, tuple[str, str]]] = {}
    for record in lines(folder / FILES[2]):
        parts.setdefault(paper(record["src"]), {})[record["kind"]] = (record["en"], record["zh"])
    titles: list[Pair] = []
    abstracts: list[Pair] = []
    mixed: list[Pair] = []
    for group, kinds in parts.items():
        if part_of(group, "chinaxiv") != part:
            continue
        if "title" in kinds:
            titles.append((*kinds["title"], group))
        if "abstract" in kinds:
            english, chinese = kinds["abstract"]
            abstracts.append((english, chinese, group))
            mixed += [(sentence, chinese, group) for sentence in sentences(english.replace(". ", ";"))[1:6:2]]
        if len(kinds) == 2:
            mixed += [
                (kinds["title"][0], kinds["abstract"][1], group),
                (kinds["title"][1], kinds["abstract"][0], group),
            ]
    texts.pairs |= {"english_title": titles, "english_abstract": abstracts, "english_mixed": mixed}


def _laws(folder: Path, part: Part, texts: Texts) -> None:
    seen: Counter[str] = Counter()
    pairs: list[Pair] = []
    articles: list[tuple[str, str]] = []
    for record in lines(folder / FILES[3]):
        law = record["q"].split(" ")[0]
        seen[record["q"]] += 1
        if part_of(law, "laws") != part:
            continue
        if seen[record["q"]] <= PER_LAW:
            pairs.append((record["q"], record["d"], record["q"]))
        if len(record["d"]) >= 100:
            articles.append((law, record["d"]))
    texts.pairs["law_article"] = pairs
    texts.paragraphs["laws"] = articles


def _questions(folder: Path, part: Part, texts: Texts) -> None:
    passages = {r["id"]: r["text"] for r in lines(folder / FILES[4])}
    kept = {i: text for i, text in passages.items() if part_of(i, "cmrc") == part}
    whole: list[Pair] = []
    answers: list[Pair] = []
    for record in lines(folder / FILES[5]):
        passage = record["passage_id"]
        if passage not in kept:
            continue
        whole.append((record["question"], kept[passage], passage))
        answers.append((record["question"], _around(kept[passage], record["answer_start"]), passage))
    texts.pairs |= {"question_passage": whole, "question_sentence": answers}
    texts.paragraphs["encyclopedia"] = list(kept.items())


def _around(text: str, at: int) -> str:
    """The sentence that holds a character."""
    spans = (match.span() for match in _SENTENCE.finditer(text))
    return next((text[a:b] for a, b in spans if a <= at < b), text)


@dataclass(frozen=True)
class Source:
    """One kind of pairs. ``queries[i]`` and ``passages[i]`` are token ranges; for pairs made within a paragraph
    ``passages`` is the paragraph, and ``cut`` says that the query's own sentence is to be taken out of it."""

    name: str
    queries: Ranges
    passages: Ranges
    groups: NDArray[np.int64]
    cut: bool = False


@dataclass(frozen=True)
class Prepared:
    """Token ids of all texts in one flat array, and the sources that point into it."""

    tokens: Ids
    sources: list[Source]

    def save(self, path: Path) -> None:
        """Write everything to one ``.npz`` file."""
        arrays: dict[str, NDArray[Any]] = {"tokens": self.tokens}
        for s in self.sources:
            name = f"{s.name}|{int(s.cut)}"
            arrays |= {f"{name}|q": s.queries, f"{name}|p": s.passages, f"{name}|g": s.groups}
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> "Prepared":
        """Read what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as file:
            names = [key[:-2] for key in file.files if key.endswith("|q")]
            sources = [
                Source(n.split("|")[0], file[f"{n}|q"], file[f"{n}|p"], file[f"{n}|g"], n.endswith("1")) for n in names
            ]
            return cls(file["tokens"], sources)


class _Flat:
    """Collects texts; gives back each one's place. Equal texts are kept once."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.places: dict[str, int] = {}

    def place(self, text: str) -> int:
        found = self.places.get(text)
        if found is None:
            found = self.places[text] = len(self.texts)
            self.texts.append(text)
        return found


def prepare(texts: Texts, tokenizer: Tokenizer) -> Prepared:
    """Tokenise everything once. Sentences shorter than 5 tokens are never a query within a paragraph."""
    flat = _Flat()
    numbers = {name: np.array([[flat.place(q), flat.place(d)] for q, d, _ in ps]) for name, ps in texts.pairs.items()}
    paragraphs: list[tuple[str, int, int]] = []  # source, first sentence, end
    for source, items in texts.paragraphs.items():
        for _, text in items:
            found = sentences(text)
            if len(found) > 1:
                paragraphs.append((source, len(flat.texts), len(flat.texts) + len(found)))
                flat.texts += found  # sentences keep their order and stand side by side, so they are not merged
    tokens, bounds = encode(tokenizer, flat.texts)
    spans = np.stack([bounds[:-1], bounds[1:]], axis=1)
    lengths = spans[:, 1] - spans[:, 0]
    sources = []
    for name, places in numbers.items():
        if not len(places):
            continue
        good = (lengths[places] > 0).all(axis=1)
        groups = np.array([zlib.crc32(group.encode()) for _, _, group in texts.pairs[name]], dtype=np.int64)
        sources.append(Source(name, spans[places[good, 0]], spans[places[good, 1]], groups[good]))
    for name in texts.paragraphs:
        own = np.array([(a, b) for s, a, b in paragraphs if s == name], dtype=np.int64).reshape(-1, 2)
        if not len(own):
            continue
        sizes = own[:, 1] - own[:, 0]
        sentence = np.concatenate([np.arange(a, b) for a, b in own])
        parent = np.repeat(np.arange(len(own)), sizes)
        whole = np.stack([bounds[own[:, 0]], bounds[own[:, 1]]], axis=1)[parent]
        good = (lengths[sentence] >= 5) & (whole[:, 1] - whole[:, 0] - lengths[sentence] >= 5)
        sources.append(Source(f"within_{name}", spans[sentence[good]], whole[good], parent[good], cut=True))
    return Prepared(tokens, sources)


def encode(tokenizer: Tokenizer, texts: Sequence[str], block: int = 20_000) -> tuple[Ids, NDArray[np.int64]]:
    """Token ids of all texts, one after the other, int32 ``(t,)``, and their bounds, int64 ``(n + 1,)``."""
    parts: list[Ids] = []
    sizes: list[int] = []
    for at in range(0, len(texts), block):
        batch = tokenizer.encode_batch_fast(list(texts[at : at + block]), add_special_tokens=False)
        found = [encoding.ids for encoding in batch]
        sizes += map(len, found)
        parts.append(np.fromiter(chain.from_iterable(found), dtype=np.int32))
    tokens = np.concatenate(parts) if parts else np.empty(0, dtype=np.int32)
    return tokens, np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64)
