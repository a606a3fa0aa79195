"""The record keeps what it is given, exactly, all or nothing, and notices damage."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples import IDENTITY, embed, entry

from rag.errors import Busy, Conflict, Damaged, IndexMismatch, InvalidInput
from rag.library import FILE, Entry, Library
from rag.types import Chunk, Document


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library.open(tmp_path / FILE)
    yield library
    library.close()


def everything(library: Library, since: int = 0) -> list[tuple[str, str, list[str]]]:
    with library.changes_since(since) as changes:
        return [(s.document.id, s.document.text, [c.text for c in s.chunks]) for s in changes]


def test_a_document_comes_back_as_it_went_in(library: Library) -> None:
    text = "𠮷野家在成都。\u2028\n下一行 \r𝔸\t“引文”"
    metadata = {"页": [1, 2.5, None], "嵌": {"b": True, "a": "😀"}}
    given = entry(
        "文/一😀".replace("/", "-"), text, title="题", source="重庆日报", url="https://x/", published="2023-03-06"
    )
    given = replace(given, document=replace(given.document, metadata=metadata))
    library.put([given], IDENTITY)
    found = library.get(given.document.id)
    assert found is not None
    assert replace(found, sha256="", chunks=0, added="") == given.document
    assert (found.chunks, len(found.sha256), found.added[-1]) == (len(given.chunks), 64, "Z")
    with library.changes_since(0) as changes:
        (stored,) = changes
    assert list(stored.chunks) == list(given.chunks)
    assert np.array_equal(stored.vectors, given.vectors)
    assert library.texts([stored.key]) == {stored.key: text}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60))
def test_any_text_that_can_come_in_is_stored_exactly(library: Library, text: str) -> None:
    document = Document("x", text, title=text, metadata={"m": text})
    chunks = [Chunk("x:0", "x", 0, len(text), text, text)]
    library.put([Entry(document, chunks, [text], embed([text]))], IDENTITY)
    found = library.get("x")
    assert found is not None
    assert (found.text, found.title, found.metadata) == (text, text, {"m": text})


REFUSED = [(field, bad) for field in ("id", "text", "title", "source") for bad in ("\ud800", "\0")]


@pytest.mark.parametrize(("field", "bad"), [*REFUSED, ("metadata", "\ud800")])
def test_what_cannot_be_stored_is_refused_with_its_document(library: Library, field: str, bad: str) -> None:
    value: Any = {"m": bad} if field == "metadata" else "a" + bad
    document = replace(Document("a", "文"), **{field: value})
    with pytest.raises(InvalidInput, match=r"'a"):
        library.put([entry("ok", "好"), Entry(document, [], [], embed([]))], IDENTITY)
    assert library.counts() == (0, 0)


def test_chunks_that_are_no_spans_are_a_mistake_of_the_caller(library: Library) -> None:
    good = entry("a", "一二三\n四五六")
    moved = [replace(good.chunks[0], start=1, end=4), good.chunks[1]]
    for bad in (
        replace(good, chunks=moved),
        replace(good, vectors=good.vectors[:1]),
        replace(good, inputs=good.inputs[:1]),
        replace(good, vectors=np.full_like(good.vectors, np.nan)),
    ):
        with pytest.raises(ValueError, match="a"):
            library.put([bad], IDENTITY)
    assert library.sequence() == 0


def test_the_same_again_changes_nothing_and_other_content_replaces_in_place(library: Library) -> None:
    first = library.put([entry("a", "甲"), entry("b", "乙"), entry("c", "丙")], IDENTITY)
    assert (first.sequence, first.added) == (1, ("a", "b", "c"))
    again = library.put([entry("b", "乙"), entry("c", "丙", title="新")], IDENTITY)
    assert (again.sequence, again.unchanged, again.replaced, again.added) == (2, ("b",), ("c",), ())
    assert library.put([entry("b", "乙")], IDENTITY).sequence == library.sequence() == 2
    library.put([entry("a", "甲二")], IDENTITY)
    documents, more = library.list()
    assert ([d.id for d in documents], more) == (["a", "b", "c"], None)
    assert everything(library) == [("b", "乙", ["乙"]), ("c", "丙", ["丙"]), ("a", "甲二", ["甲二"])]
    assert library.put([entry("b", "乙")], IDENTITY, force=True).replaced == ("b",)


def test_of_two_with_one_id_in_a_call_the_later_counts(library: Library) -> None:
    assert library.put([entry("a", "一"), entry("a", "二")], IDENTITY).added == ("a",)
    assert everything(library) == [("a", "二", ["二"])]


def test_a_taken_id_is_a_conflict_where_replacing_is_not_wanted(library: Library) -> None:
    library.put([entry("a", "甲")], IDENTITY)
    with pytest.raises(Conflict, match="'a'"):
        library.put([entry("b", "乙"), entry("a", "别")], IDENTITY, replace=False)
    assert library.get("b") is None
    assert library.put([entry("b", "乙"), entry("a", "甲")], IDENTITY, replace=False).unchanged == ("a",)


def test_lists_go_on_where_they_stopped_though_documents_come_and_go(library: Library) -> None:
    library.put([entry(f"d{i}", f"第{i}篇") for i in range(7)], IDENTITY)
    page, after = library.list(limit=3)
    assert ([d.id for d in page], page[0].text) == (["d0", "d1", "d2"], "")
    library.remove(["d1", "d4"])
    library.put([entry("d5", "换了"), entry("new", "新")], IDENTITY)
    assert after is not None
    rest, after = library.list(after, 10)
    assert ([d.id for d in rest], after) == (["d3", "d5", "d6", "new"], None)
    assert set(library.find(["d0", "d1", "new"])) == {"d0", "new"}


def test_changes_since_tell_what_came_and_what_went(library: Library) -> None:
    library.put([entry("a", "甲"), entry("b", "乙")], IDENTITY)
    with library.changes_since(0) as changes:
        keys = {s.document.id: s.key for s in changes}
    library.put([entry("a", "甲二"), entry("c", "丙")], IDENTITY)
    library.remove(["b", "没有"])
    with library.changes_since(1) as changes:
        assert changes.sequence == 3
        assert changes.removed == [keys["a"], keys["b"]]
        found = {s.document.id: s.key for s in changes}
    assert set(found) == {"a", "c"}
    assert min(found.values()) > max(keys.values())  # a key is never given twice
    assert library.texts(keys.values()) == {}
    with library.changes_since(3) as changes:
        assert (changes.removed, list(changes)) == ([], [])


def test_a_reader_of_changes_does_not_see_later_writes(library: Library) -> None:
    library.put([entry(f"d{i}", f"第{i}篇") for i in range(200)], IDENTITY)
    with library.changes_since(0) as changes:
        reader = iter(changes)
        first = next(reader)
        library.remove(["d199"])
        library.put([entry("late", "晚")], IDENTITY)
        assert [s.document.id for s in (first, *reader)] == [f"d{i}" for i in range(200)]


def test_vectors_are_kept_by_what_was_embedded_and_go_with_the_last_that_uses_them(library: Library) -> None:
    shared = entry("a", "共同的一句\n独有的一句")
    library.put([shared, entry("b", "共同的一句")], IDENTITY)
    known = library.known(["共同的一句", "独有的一句", "没有的一句"], IDENTITY.model)
    assert set(known) == {"共同的一句", "独有的一句"}
    assert np.array_equal(known["独有的一句"], shared.vectors[1])
    assert library.known(["共同的一句"], "other") == {}
    library.remove(["a"])
    assert set(library.known(["共同的一句", "独有的一句"], IDENTITY.model)) == {"共同的一句"}
    library.put([entry("b", "换")], IDENTITY)
    assert library.known(["共同的一句"], IDENTITY.model) == {}


def test_deleted_seeds_are_remembered_until_they_come_back(library: Library) -> None:
    library.put([entry("s", "种", origin="seed"), entry("u", "用")], IDENTITY)
    document = library.get("s")
    assert document is not None
    library.remove(["s", "u"], remember=True)
    assert library.deleted_seeds() == {"s": document.sha256}
    library.put([entry("s", "种二", origin="seed")], IDENTITY)
    assert library.deleted_seeds() == {}
    library.remove(["s"])
    assert library.deleted_seeds() == {}


def test_another_model_is_refused_with_the_command_that_mends_it(library: Library) -> None:
    assert library.identity() is None
    library.put([entry("a", "甲")], IDENTITY)
    with pytest.raises(IndexMismatch, match=r"bigrams-1.*bigrams-2.*rag build"):
        library.put([entry("b", "乙")], replace(IDENTITY, model="bigrams-2"))
    assert library.identity() == IDENTITY


def test_a_switch_puts_another_model_in_place_of_all_at_once(library: Library) -> None:
    other = replace(IDENTITY, model="bigrams-2")
    library.put([entry("a", "甲"), entry("b", "乙")], IDENTITY)
    library.keep(["甲", "乙"], embed(["甲", "乙"]), other.model)
    assert (library.sequence(), set(library.known(["甲", "乙"], other.model))) == (1, {"甲", "乙"})
    with pytest.raises(Busy, match="rag build"):
        library.switch([entry("a", "甲")], other)
    assert (library.identity(), library.sequence()) == (IDENTITY, 1)
    with library.changes_since(0) as changes:
        library.switch((Entry(s.document, s.chunks, [c.text for c in s.chunks], s.vectors) for s in changes), other)
    assert (library.identity(), library.counts()) == (other, (2, 2))
    assert library.known(["甲"], IDENTITY.model) == {}
    assert [d.id for d in library.list()[0]] == ["a", "b"]


def test_a_switch_takes_no_document_that_has_changed_since_it_was_read(library: Library) -> None:
    library.put([entry("a", "甲"), entry("b", "乙")], IDENTITY)
    library.put([entry("b", "丙")], IDENTITY)
    for read in ([entry("a", "甲"), entry("b", "乙")], [entry("a", "甲"), entry("gone", "乙")]):
        with pytest.raises(Busy, match="rag build"):
            library.switch(read, replace(IDENTITY, model="bigrams-2"))
    assert (library.identity(), library.find(["gone"])) == (IDENTITY, {})
    document = library.get("b")
    assert document is not None and document.text == "丙"


def test_writers_wait_for_each_other_and_are_refused_in_the_end(tmp_path: Path) -> None:
    library = Library.open(tmp_path / FILE, wait=0.2)
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy, match="try again"):
        library.put([entry("a", "甲")], IDENTITY)
    assert library.counts() == (0, 0)  # readers do not wait
    other.execute("ROLLBACK")
    library.put([entry("a", "甲")], IDENTITY)
    other.close()
    library.close()


def test_many_threads_write_and_read_at_once(library: Library) -> None:
    failed: list[BaseException] = []

    def write(name: str) -> None:
        try:
            for i in range(15):
                library.put([entry(f"{name}{i}", f"{name}写第{i}篇\n共同的一句")], IDENTITY)
                assert library.get(f"{name}{i}") is not None
                with library.changes_since(0) as changes:
                    seen = sum(len(s.chunks) for s in changes)
                    assert seen == changes.chunks
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert (library.counts(), library.sequence()) == ((60, 120), 60)


DAMAGE = {
    "text": "UPDATE documents SET text = replace(text, '乙', '丁') WHERE id = 'b'",
    "fields": "UPDATE documents SET title = 'X' WHERE id = 'b'",
    "chunks": "UPDATE chunks SET start = start + 1 WHERE document = 2 AND ordinal = 1",
    "vectors": "UPDATE vectors SET vector = zeroblob(256) WHERE key = 3",
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_changed_row_is_noticed(tmp_path: Path, what: str) -> None:
    library = Library.open(tmp_path / FILE)
    library.put([entry("a", "甲"), entry("b", "乙\n二")], IDENTITY)
    library.close()
    with sqlite3.connect(tmp_path / FILE) as raw:
        assert raw.execute(DAMAGE[what]).rowcount == 1
    raw.close()
    library = Library.open(tmp_path / FILE)
    with pytest.raises(Damaged, match=rf"{what}.*'b'"):
        everything(library)
    if what in ("text", "fields"):
        with pytest.raises(Damaged, match=what):
            library.get("b")
    if what == "text":
        with pytest.raises(Damaged, match=what):
            library.texts([2])
    if what == "vectors":
        assert "二" not in library.known(["二"], IDENTITY.model) or "乙" not in library.known(["乙"], IDENTITY.model)
    library.put([entry("b", "乙\n二")], IDENTITY, force=True)
    assert everything(library) == [("a", "甲", ["甲"]), ("b", "乙\n二", ["乙", "二"])]
    library.close()


def test_what_is_no_record_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(Damaged, match="rag build"):
        Library.open(tmp_path / FILE)


def test_a_record_of_another_format_is_refused(tmp_path: Path) -> None:
    Library.open(tmp_path / FILE).close()
    with sqlite3.connect(tmp_path / FILE) as raw:
        raw.execute("UPDATE state SET schema = 99")
    raw.close()
    with pytest.raises(IndexMismatch, match="99"):
        Library.open(tmp_path / FILE)


def test_writes_reach_the_disk_before_they_are_answered(library: Library) -> None:
    with library._read() as connection:
        settings = {n: connection.exec_driver_sql(f"PRAGMA {n}").scalar() for n in ("synchronous", "journal_mode")}
    assert settings == {"synchronous": 2, "journal_mode": "wal"}


def test_the_record_is_imported_without_the_index_or_a_model() -> None:
    code = (
        "import sys, rag.library; print([m for m in ('faiss', 'torch', 'sentence_transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("counter", ["sequence", "next_document", "next_vector"])
def test_a_counter_that_is_behind_what_it_counts_is_noticed(tmp_path: Path, counter: str) -> None:
    library = Library.open(tmp_path / FILE)
    library.put([entry("b", "乙")], IDENTITY)
    library.put([entry("a", "甲")], IDENTITY)
    library.remove(["b"])
    library.close()
    with closing(sqlite3.connect(tmp_path / FILE)) as connection, connection:
        connection.execute(f"UPDATE state SET {counter} = {counter} - 1")
    with pytest.raises(Damaged, match=r"counters.*backup"):
        Library.open(tmp_path / FILE)
