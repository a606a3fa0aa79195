"""Small documents, chunks and vectors that differ, for the tests of the record and the index."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.index.live import LiveIndex
from rag.index.snapshot import Snapshot
from rag.library import FILE, Entry, Identity, Library
from rag.types import Chunk, Document

DIMENSION = 64
IDENTITY = Identity("bigrams-1", DIMENSION, "bigrams", "lines")


def embed(texts: Sequence[str]) -> np.ndarray:
    """Unit vectors of hashed character bigrams, float32 (n, 64): texts that share none are nearly orthogonal."""
    out = np.zeros((len(texts), DIMENSION), np.float32)
    for row, text in zip(out, texts, strict=True):
        for term in terms_of(text):
            number = int.from_bytes(hashlib.sha256(term.encode("utf-8", "surrogatepass")).digest()[:4], "big")
            row[number % DIMENSION] += 1 if number & 1 << 20 else -1
        row /= max(float(np.linalg.norm(row)), 1e-6)
    return out


def terms_of(text: str) -> list[str]:
    return [text[i : i + 2] for i in range(len(text) - 1)] or [text]


def terms(chunk: Chunk) -> list[str]:
    return terms_of(chunk.context + chunk.text)


def entry(id: str, text: str, **fields: Any) -> Entry:
    """A document whose lines are its chunks, with vectors."""
    document = Document(id=id, text=text, **fields)
    chunks, start = [], 0
    for line in text.splitlines():
        chunks.append(Chunk(f"{id}:{start}", id, start, start + len(line), line, document.title))
        start += len(line) + 1
    inputs = [chunk.context + chunk.text for chunk in chunks]
    return Entry(document, chunks, inputs, embed(inputs))


PLACES = "重庆 成都 绵阳 宜宾 泸州 南充 达州 自贡 内江 遂宁 乐山 雅安 广安 资阳 眉山 万州"
THINGS = "桥梁 茶馆 火锅 高铁 机场 港口 大学 医院 公园 竹海 盐井 古镇 工厂 稻田 书店 剧院"


def text(number: int) -> str:
    """Three lines; those of different numbers are alike and differ."""
    place, thing = PLACES.split()[number % 16], THINGS.split()[number // 16 % 16]
    return f"{place}的{thing}有第{number}号\n{thing}建于{1900 + number}年\n编号{number:05d}属于{place}"


def open_index(path: Path, terms: Callable[[Chunk], list[str]] = terms) -> LiveIndex:
    return LiveIndex.open(Library.open(path / FILE), path, IDENTITY, terms)


class Noting:
    """Gives the terms of chunks, and notes whose."""

    def __init__(self) -> None:
        self.chunks: list[str] = []

    def __call__(self, chunk: Chunk) -> list[str]:
        self.chunks.append(chunk.id)
        return terms(chunk)


def close(index: LiveIndex) -> None:
    index.close()
    index.library.close()


def searched(snapshot: Snapshot, query: str) -> dict[str, tuple[float, float]]:
    """Lexical and dense score of every live row, by chunk id."""
    sparse, dense = snapshot.lexical(terms_of(query)), snapshot.dense(embed([query])[0])
    rows = np.flatnonzero(snapshot.live)
    return {snapshot.row(int(r)).chunk_id: (round(float(sparse[r]), 4), round(float(dense[r]), 4)) for r in rows}


def ids(snapshot: Snapshot) -> set[str]:
    return {snapshot.row(int(r)).document.id for r in np.flatnonzero(snapshot.live)}


def assert_whole(snapshot: Snapshot) -> None:
    """Every row is the span that it says, scores best for its own text, and stands once."""
    rows = [snapshot.row(int(r)) for r in np.flatnonzero(snapshot.live)]
    assert len({row.chunk_id for row in rows}) == len(rows) == snapshot.chunks
    texts = snapshot.texts({row.document.key for row in rows})
    for row in rows:
        quote = texts[row.document.key][row.start : row.end]
        assert row.chunk_id == f"{row.document.id}:{row.start}"
        assert "\n" not in quote
        assert snapshot.dense(embed([row.context + quote])[0])[row.number] == pytest.approx(1, abs=1e-5)
        assert snapshot.lexical(terms_of(quote))[row.number] > 0
        assert row.number in snapshot.siblings(row.number)
