"""Generations come back as they were written, and whatever is wrong with a file is found before it is parsed."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import DIMENSION, IDENTITY, embed, entry, terms, terms_of

from rag.errors import Damaged
from rag.index import generation, lexical
from rag.index.dense import DenseSegment
from rag.index.lexical import Segment
from rag.index.part import Part, merge
from rag.library import FILE, Library, Stored
from rag.types import Filter


def stored(path: Path, *texts: str) -> list[Stored]:
    library = Library.open(path / FILE)
    library.put([entry(f"d{i}", text, title=f"题{i}", source="报") for i, text in enumerate(texts)], IDENTITY)
    with library.changes_since(0) as changes:
        found = list(changes)
    library.close()
    return found


def part(documents: list[Stored]) -> Part:
    segments = [Segment.build(terms(c) for c in s.chunks) for s in documents]
    return Part.build(documents, segments, DIMENSION)


def write(path: Path, whole: Part, sequence: int = 1) -> generation.Manifest:
    return generation.write(path, whole, record="r", sequence=sequence, identity=IDENTITY)


def assert_same(one: Part, other: Part) -> None:
    assert one.arrays().keys() == other.arrays().keys()
    for name, array in one.arrays().items():
        assert np.array_equal(array, other.arrays()[name]), name
    assert np.array_equal(one.dense.vectors, other.dense.vectors)


@pytest.fixture
def whole(tmp_path: Path) -> Part:
    return part(stored(tmp_path, "重庆的桥\n成都的茶", "𠮷野家\n火锅\n双城", "高铁"))


def test_a_generation_comes_back_as_it_was_written(tmp_path: Path, whole: Part) -> None:
    assert generation.current(tmp_path) is None
    written = write(tmp_path, whole, 7)
    found = generation.current(tmp_path)
    assert found == written
    assert (found.sequence, found.identity, found.documents, found.chunks) == (7, IDENTITY, 3, 6)
    loaded = generation.load(tmp_path, found)
    assert_same(loaded, whole)
    assert loaded.source(1).title == "题1"
    assert [loaded.document(row) for row in range(6)] == [0, 0, 1, 1, 1, 2]
    (row,) = np.flatnonzero(lexical.scores([loaded.lexical], terms_of("野家"))[0])
    assert (loaded.strings["ids"][int(row)], loaded.starts[row], loaded.ends[row]) == ("d1:0", 0, 3)
    assert int(np.argmax(loaded.dense.scores(embed(["题2高铁"])[0]))) == 5


def test_an_empty_index_is_a_generation_too(tmp_path: Path) -> None:
    loaded = generation.load(tmp_path, write(tmp_path, Part.empty(DIMENSION)))
    assert (len(loaded), len(loaded.dense), loaded.passes(Filter(source="x")).shape) == (0, 0, (0,))


def test_nothing_is_pickled(tmp_path: Path, whole: Part) -> None:
    manifest = write(tmp_path, whole)
    for name in manifest.files:
        data = (tmp_path / "generations" / manifest.name / name).read_bytes()
        assert data.startswith(b"\x93NUMPY" if name.endswith(".npy") else b"IxF")


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


@pytest.mark.parametrize("harm", [flip, truncate, grow, Path.unlink])
def test_harm_to_any_file_is_found_before_anything_is_parsed(
    tmp_path: Path, whole: Part, harm: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = write(tmp_path, whole)

    def parsed(*_: object, **__: object) -> None:
        raise AssertionError("parsed")

    monkeypatch.setattr(np, "load", parsed)
    monkeypatch.setattr(DenseSegment, "deserialize", parsed)
    assert len(manifest.files) > 15
    for name in manifest.files:
        path = tmp_path / "generations" / manifest.name / name
        before = path.read_bytes()
        harm(path)
        with pytest.raises(Damaged, match="rag build"):
            generation.load(tmp_path, manifest)
        path.write_bytes(before)


def test_any_changed_byte_of_the_manifest_is_found(tmp_path: Path, whole: Part) -> None:
    written = write(tmp_path, whole)
    path = tmp_path / generation.CURRENT
    data = path.read_bytes()
    for place in range(0, len(data), 11):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        try:
            assert generation.current(tmp_path) == written  # white space and the like
        except Damaged:
            continue
    for length in (0, 1, len(data) // 2):
        path.write_bytes(data[:length])
        with pytest.raises(Damaged, match="manifest"):
            generation.current(tmp_path)
    body = json.loads(data)
    damaged: list[Any] = [[], {**body, "format": 2}, {k: v for k, v in body.items() if k != "sha256"}]
    for wrong in damaged:
        path.write_text(json.dumps(wrong), encoding="utf-8")
        with pytest.raises(Damaged, match="manifest"):
            generation.current(tmp_path)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_write_that_fails_anywhere_leaves_the_current_one_and_no_files(
    tmp_path: Path, whole: Part, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = write(tmp_path, whole)
    owner: Any = os if call == "fsync" else Path
    original = getattr(owner, call)
    for fail_at in range(1, 100):
        calls = 0

        def failing(*args: object, fail_at: int = fail_at) -> object:
            nonlocal calls
            calls += 1
            if calls == fail_at:
                raise OSError(28, "No space left on device")
            return original(*args)

        with monkeypatch.context() as patch:
            patch.setattr(owner, call, failing)
            try:
                after = write(tmp_path, whole, 2)
            except OSError:
                now = generation.current(tmp_path)
                assert now is not None
                assert_same(generation.load(tmp_path, now), whole)
                if now == before:
                    assert {p.name for p in (tmp_path / "generations").iterdir()} == {before.name}
                    assert {p.name for p in tmp_path.iterdir()} >= {"CURRENT", "generations"}
                    assert not list(tmp_path.glob("CURRENT.*"))
                before = now
            else:
                assert generation.current(tmp_path) == after
                break
    assert fail_at > (15 if call == "fsync" else 1)


def test_old_generations_and_leavings_go_and_two_stay(tmp_path: Path, whole: Part) -> None:
    written = [write(tmp_path, whole, sequence) for sequence in (1, 2, 3)]
    (tmp_path / "generations" / "0000000009-dead").mkdir()
    (tmp_path / "CURRENT.0000000009-dead").write_bytes(b"{")
    with generation.lock(tmp_path):
        generation.prune(tmp_path)
    assert generation.earlier(tmp_path) == [written[2], written[1]]
    assert {p.name for p in (tmp_path / "generations").iterdir()} == {".lock", written[1].name, written[2].name}
    assert generation.current(tmp_path) == written[2]
    assert not list(tmp_path.glob("CURRENT.*"))


def test_nothing_goes_while_the_current_one_cannot_be_read(tmp_path: Path, whole: Part) -> None:
    written = [write(tmp_path, whole, sequence) for sequence in (7, 8, 3)]  # 3: of a backup that was put back
    data = (tmp_path / "CURRENT").read_bytes()
    (tmp_path / "CURRENT").write_bytes(data[:-9])
    generation.prune(tmp_path)
    assert len(generation.earlier(tmp_path)) == 3
    (tmp_path / "CURRENT").write_bytes(data)
    generation.prune(tmp_path, keep=1)
    assert generation.earlier(tmp_path) == [written[1], written[2]]


def test_a_generation_that_went_by_half_is_not_taken_for_a_whole_one(
    tmp_path: Path, whole: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = [write(tmp_path, whole, sequence) for sequence in (1, 2, 3)]

    def failing(path: Path) -> None:
        (path / "keys.npy").unlink()
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(generation.shutil, "rmtree", failing)  # type: ignore[attr-defined]
        generation.prune(tmp_path)
    assert generation.earlier(tmp_path) == [written[2], written[1]]
    assert generation.broken(tmp_path) == [written[0].name]
    generation.prune(tmp_path)
    assert generation.broken(tmp_path) == []


def test_merged_parts_are_the_part_of_what_is_left(tmp_path: Path) -> None:
    documents = stored(tmp_path, "重庆的桥\n成都的茶", "火锅\n双城", "高铁", "机场\n港口")
    first, second = part(documents[:2]), part(documents[2:])
    gone = np.array([documents[0].key, documents[2].key, 999])
    masks = [first.without(None, gone), second.without(None, gone)]
    assert_same(merge([first, second], masks), part([documents[1], documents[3]]))
    assert_same(merge([first, second], [None, None]), part(documents))
    assert first.without(None, np.array([0, 999])) is None


def test_filters_are_taken_exactly(tmp_path: Path) -> None:
    library = Library.open(tmp_path / FILE)
    dated = [
        ("a", "2023-01-01", "报"),
        ("b", "2023-06-30", "社"),
        ("c", None, "报"),
        ("d", "2024-01-01T08:00:00", None),
    ]
    library.put([entry(i, "一行\n二行", published=p, source=s) for i, p, s in dated], IDENTITY)
    with library.changes_since(0) as changes:
        whole = part(list(changes))
    library.close()

    def let_through(filter: Filter) -> str:
        rows = np.flatnonzero(whole.passes(filter))
        return "".join(whole.source(whole.document(int(row))).id for row in rows)

    assert let_through(Filter(source="报")) == "aacc"
    assert let_through(Filter(source="")) == let_through(Filter(document_ids=frozenset())) == ""
    assert let_through(Filter(published_from="2023-01-01")) == "aabbdd"
    assert let_through(Filter(published_from="2023-01-02", published_to="2024-01-01")) == "bbdd"
    assert let_through(Filter(published_to="2023-06-30", source="报")) == "aa"
    assert let_through(Filter(document_ids=frozenset({"b", "c", "no"}))) == "bbcc"


def test_a_hash_that_two_ids_share_lets_only_the_right_one_through(whole: Part) -> None:
    whole.hashes = np.full_like(whole.hashes, whole.hashes[1])
    assert whole.passes(Filter(document_ids=frozenset({"d1"}))).tolist() == [False, False, True, True, True, False]


def test_another_identity_is_another_manifest(tmp_path: Path, whole: Part) -> None:
    other = replace(IDENTITY, analyzer="words")
    written = generation.write(tmp_path, whole, record="r", sequence=1, identity=other)
    assert generation.current(tmp_path) == written
    assert written.identity != IDENTITY


@pytest.mark.parametrize("name", ["sketches", "bands", "holders"])
def test_sketches_that_do_not_fit_the_documents_are_damage(whole: Part, name: str) -> None:
    arrays = whole.arrays()
    assert_same(Part.from_arrays(arrays, whole.dense), whole)
    for other in ({**arrays, name: arrays[name][:-1]}, {n: a for n, a in arrays.items() if n != name}):
        with pytest.raises(Damaged, match="rag build"):
            Part.from_arrays(other, whole.dense)
