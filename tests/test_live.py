"""What is written is found at once, by every process; what is gone is not; and damage is mended from the record."""

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from samples import IDENTITY, assert_whole, close, embed, entry, ids, open_index, searched, terms, terms_of, text

from rag.index import generation, lexical, live
from rag.index.live import LiveIndex, Stale
from rag.types import Chunk, Filter


@pytest.fixture
def index(tmp_path: Path) -> Iterator[LiveIndex]:
    index = open_index(tmp_path)
    yield index
    close(index)


def test_a_document_is_found_as_soon_as_it_is_written(index: LiveIndex) -> None:
    assert (index.snapshot().rows, index.snapshot().lexical(["成都"]).shape) == (0, (0,))
    index.put([entry(f"d{i}", text(i)) for i in range(40)], replace=False)
    index.put(
        [entry("new", "自贡的恐龙博物馆\n馆中有化石", title="恐龙", source="报", url="u", published="2023-01-01")]
    )
    snapshot = index.snapshot()
    row = snapshot.row(int(np.argmax(snapshot.lexical(terms_of("恐龙博物馆")))))
    assert (row.document.id, row.start, row.end, row.context) == ("new", 0, 8, "恐龙")
    assert (row.document.title, row.document.source, row.document.url) == ("恐龙", "报", "u")
    assert row.document.published == "2023-01-01"
    assert (snapshot.documents, snapshot.chunks) == (41, 122)
    assert [snapshot.row(r).chunk_id for r in snapshot.siblings(row.number)] == ["new:0", "new:9"]
    only = snapshot.allowed(Filter(source="报"))
    assert {snapshot.row(int(r)).document.id for r in np.flatnonzero(only)} == {"new"}
    assert_whole(snapshot)


def test_what_is_removed_or_replaced_is_not_found_and_counts_in_no_score(index: LiveIndex, tmp_path: Path) -> None:
    index.put([entry(f"d{i}", text(i)) for i in range(30)])
    index.write_generation()
    index.put([entry(f"d{i}", text(i)) for i in range(30, 40)])
    index.remove(["d3", "d35"])
    index.put([entry("d4", "新的内容"), entry("d36", "别的内容")])
    snapshot = index.snapshot()
    assert ids(snapshot) == {f"d{i}" for i in range(40)} - {"d3", "d35"}
    assert_whole(snapshot)
    fresh = open_index(tmp_path / "fresh")
    fresh.put([entry(f"d{i}", text(i)) for i in range(40) if i not in (3, 4, 35, 36)])
    fresh.put([entry("d4", "新的内容"), entry("d36", "别的内容")])
    for query in ("宜宾的桥梁", "第35号", "内容"):
        assert searched(snapshot, query) == searched(fresh.snapshot(), query)
    close(fresh)


def test_any_order_of_writes_folds_and_reopenings_gives_the_index_of_what_is_left(tmp_path: Path) -> None:
    chance = random.Random(7)
    index, model = open_index(tmp_path), {}
    for step in range(120):
        number = chance.randrange(25)
        what = chance.choice(["put", "put", "put", "remove", "many", "fold", "open"])
        if what == "put":
            model[f"d{number}"] = text(number * 31 + step)
            index.put([entry(f"d{number}", model[f"d{number}"])])
        elif what == "many":
            some = {f"d{n}": text(n * 7 + step) for n in chance.sample(range(25), 6)}
            model |= some
            index.put([entry(i, t) for i, t in some.items()])
        elif what == "remove":
            model.pop(f"d{number}", None)
            index.remove([f"d{number}"])
        elif what == "fold":
            index.write_generation()
        else:
            close(index)
            index = open_index(tmp_path)
        assert ids(index.snapshot()) == set(model)
    assert_whole(index.snapshot())
    fresh = open_index(tmp_path / "fresh")
    fresh.put([entry(i, t) for i, t in model.items()])
    for query in ("成都的茶馆", "编号00007", "建于1950年"):
        assert searched(index.snapshot(), query) == searched(fresh.snapshot(), query)
    close(fresh)
    close(index)


def test_a_write_of_another_process_shows_in_the_next_query(tmp_path: Path, index: LiveIndex) -> None:
    other = open_index(tmp_path)
    index.put([entry("a", "重庆的桥")])
    assert ids(other.snapshot()) == {"a"}
    other.put([entry("b", "成都的茶"), entry("a", "万州的港")])
    other.write_generation()
    snapshot = index.snapshot()
    assert ids(snapshot) == {"a", "b"}
    assert_whole(snapshot)
    index.remove(["a"])
    assert ids(other.snapshot()) == {"b"}
    close(other)


def test_a_snapshot_does_not_change_and_says_when_a_text_is_gone(index: LiveIndex) -> None:
    index.put([entry("a", "重庆的桥"), entry("b", "成都的茶")])
    before = index.snapshot()
    scores = searched(before, "重庆的桥")
    index.put([entry("c", "重庆的桥")])
    index.remove(["b"])
    assert searched(before, "重庆的桥") == scores
    keys = {before.row(r).document.id: before.row(r).document.key for r in range(2)}
    assert before.texts([keys["a"]]) == {keys["a"]: "重庆的桥"}
    with pytest.raises(Stale):
        before.texts(keys.values())


def test_readers_see_every_write_whole_while_it_goes_on(index: LiveIndex) -> None:
    done, failed, seen = threading.Event(), [], []

    def read() -> None:
        try:
            while not done.is_set():
                snapshot = index.snapshot()
                found = ids(snapshot)
                assert len(found) % 3 == 0
                assert len(snapshot.lexical(["桥梁"])) == len(snapshot.dense(embed(["桥梁"])[0])) == snapshot.rows
                seen.append(len(found))
        except BaseException as error:
            failed.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(0, 60, 3):
        index.put([entry(f"d{n}", text(n)) for n in range(number, number + 3)])
        if number % 21 == 0:
            index.write_generation()
    done.set()
    for reader in readers:
        reader.join()
    assert not failed
    assert max(seen) > 3
    assert len(ids(index.snapshot())) == 60


def test_many_single_writes_make_few_parts(index: LiveIndex) -> None:
    index.put([entry(f"d{i}", text(i)) for i in range(20)])
    index.write_generation()
    for number in range(20, 150):
        index.put([entry(f"d{number}", text(number))])
    snapshot = index.snapshot()
    assert (len(snapshot.parts[0]), snapshot.chunks, len(snapshot.parts) <= 8) == (60, 450, True)
    assert_whole(snapshot)


def test_stats_tell_what_is_served(index: LiveIndex) -> None:
    assert (index.stats().generation, index.stats().documents, index.stats().since) == ("", 0, "")
    index.put([entry("a", "重庆的桥\n成都的茶"), entry("b", "高铁")])
    name = index.write_generation()
    before = index.stats()
    index.remove(["a"])
    now = index.stats()
    assert (before.generation, before.documents, before.chunks, before.model) == (name, 2, 3, IDENTITY.model)
    assert (now.generation, now.documents, now.chunks, now.dimension) == (name, 1, 1, IDENTITY.dimension)
    assert before.since.endswith("Z")
    assert before.bytes > 10_000


def test_a_single_write_copies_nothing_of_the_generation(index: LiveIndex) -> None:
    index.put([entry(f"d{i}", text(i)) for i in range(20)])
    index.write_generation()
    before = index.snapshot()
    index.put([entry("one", "一篇")])
    after = index.snapshot()
    assert after.parts[0] is before.parts[0]
    assert after.masks[0] is None


def test_a_long_tail_becomes_a_generation_by_itself(
    index: LiveIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_LONG", 30)
    other = open_index(tmp_path)
    for number in range(0, 40, 5):
        index.put([entry(f"d{n}", text(n)) for n in range(number, number + 5)])
    index.close()
    manifest = generation.current(tmp_path)
    assert manifest is not None
    assert manifest.chunks > 30
    assert index.snapshot().generation == manifest.name
    assert ids(index.snapshot()) == {f"d{n}" for n in range(40)}
    assert other.snapshot().generation == manifest.name  # taken over, not replayed
    assert_whole(other.snapshot())
    close(other)


def test_what_another_process_wrote_is_found_beside_what_this_one_prepared(index: LiveIndex, tmp_path: Path) -> None:
    other = open_index(tmp_path)
    for number in range(0, 12, 4):
        other.library.put([entry(f"o{n}", text(n)) for n in range(number, number + 3)], IDENTITY)
        index.put([entry(f"i{number}", text(number + 3))])  # replays the others' and its own in one
    for one in (index, other):
        assert ids(one.snapshot()) == {f"o{n}" for n in range(12) if n % 4 < 3} | {"i0", "i4", "i8"}
        assert_whole(one.snapshot())
        whole = lexical.merge([p.lexical for p in one.snapshot().parts], one.snapshot().masks)
        assert np.allclose(one.snapshot().lexical(["桥梁"]), lexical.scores([whole], ["桥梁"])[0])
    assert sorted(index.snapshot().lexical(["桥梁"])) == sorted(other.snapshot().lexical(["桥梁"]))
    close(other)


def test_what_is_written_is_analysed_before_queries_could_wait_for_it(
    index: LiveIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked: list[bool] = []

    def noting(chunk: Chunk) -> list[str]:
        locked.append(index._replaying.locked())
        return terms(chunk)

    monkeypatch.setattr(index, "_terms", noting)
    index.put([entry(f"d{i}", text(i)) for i in range(5)])
    assert locked == [False] * 15
    assert_whole(index.snapshot())


def test_scores_do_not_depend_on_how_rows_lie_in_parts(index: LiveIndex) -> None:
    for number in range(12):
        index.put([entry(f"d{number}", text(number))])
    snapshot = index.snapshot()
    whole = lexical.merge([p.lexical for p in snapshot.parts], snapshot.masks)
    assert np.allclose(snapshot.lexical(["桥梁"]), lexical.scores([whole], ["桥梁"])[0])
    assert np.allclose(snapshot.idf(["桥梁", "没有"]), lexical.idf([whole], ["桥梁", "没有"]))
