"""The index comes back after a restart, a crash or damage with everything that was written, once."""

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from samples import (
    IDENTITY,
    Noting,
    assert_whole,
    close,
    entry,
    ids,
    open_index,
    searched,
    terms,
    text,
)

from rag.errors import IndexMismatch
from rag.index import generation
from rag.index.live import LiveIndex
from rag.library import FILE, Entry, Identity, Library


@pytest.fixture
def index(tmp_path: Path) -> Iterator[LiveIndex]:
    index = open_index(tmp_path)
    yield index
    close(index)


def test_start_up_takes_the_generation_and_replays_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = open_index(tmp_path)
    index.put([entry(f"d{i}", text(i)) for i in range(20)])
    name = index.write_generation()
    assert index.write_generation() == name  # nothing new
    index.put([entry("late", "宜宾的竹海")])
    index.remove(["d7"])
    close(index)
    noting = Noting()
    again = open_index(tmp_path, noting)
    assert noting.chunks == ["late:0"]
    assert (again.snapshot().generation, again.degraded) == (name, None)
    assert ids(again.snapshot()) == {f"d{i}" for i in range(20) if i != 7} | {"late"}
    assert_whole(again.snapshot())
    close(again)


HARM = ["lexical.rows.npy", "dense.faiss", "keys.npy", "CURRENT"]


@pytest.mark.parametrize("name", HARM)
@pytest.mark.parametrize("how", ["flip", "truncate", "delete"])
def test_a_damaged_generation_is_made_again_loudly(
    tmp_path: Path, name: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    index = open_index(tmp_path)
    index.put([entry(f"d{i}", text(i)) for i in range(20)])
    first = index.write_generation()
    expected = searched(index.snapshot(), "成都的桥梁")
    close(index)
    path = tmp_path / name if name == "CURRENT" else tmp_path / "generations" / first / name
    data = path.read_bytes()
    if how == "delete":
        path.unlink()
    else:
        path.write_bytes(data[: len(data) // 2] + (b"" if how == "truncate" else b"~" + data[len(data) // 2 + 1 :]))
    with caplog.at_level(logging.WARNING):
        index = open_index(tmp_path)
    assert searched(index.snapshot(), "成都的桥梁") == expected
    if (name, how) != ("CURRENT", "delete"):  # which is as if none had been written
        assert index.degraded
        assert "rag build" in index.degraded
        assert "record" in caplog.text
        manifest = generation.current(tmp_path)
        assert manifest is not None
        assert manifest.name != first
    close(index)
    caplog.clear()
    again = open_index(tmp_path)
    assert (again.degraded, caplog.text) == (None, "")
    close(again)


def test_the_generation_before_serves_where_the_current_one_is_damaged(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    index.put([entry(f"d{i}", text(i)) for i in range(20)])
    index.write_generation()
    index.put([entry("late", "宜宾的竹海"), entry("d3", "换了")])
    second = index.write_generation()
    expected = searched(index.snapshot(), "宜宾的竹海")
    close(index)
    (tmp_path / "generations" / second / "dense.faiss").write_bytes(b"")
    noting = Noting()
    index = open_index(tmp_path, noting)
    assert noting.chunks == ["late:0", "d3:0"]
    assert searched(index.snapshot(), "宜宾的竹海") == expected
    close(index)


def test_a_generation_of_another_record_is_not_served(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    index = open_index(tmp_path)
    index.put([entry("old", "旧的一篇")])
    index.write_generation()
    close(index)
    for path in tmp_path.glob(FILE + "*"):
        path.unlink()
    library = Library.open(tmp_path / FILE)
    for number in range(3):
        library.put([entry("new", f"新的第{number}篇")], IDENTITY)
    library.close()
    index = open_index(tmp_path)
    assert ids(index.snapshot()) == {"new"}
    assert "another state" in caplog.text
    close(index)


@pytest.mark.parametrize("field", ["model", "analyzer", "chunker"])
def test_another_model_analyzer_or_chunker_names_the_command(tmp_path: Path, field: str, index: LiveIndex) -> None:
    index.put([entry("a", "甲")])
    index.write_generation()
    library = Library.open(tmp_path / FILE)
    changed: dict[str, Any] = {field: "another"}
    with pytest.raises(IndexMismatch, match=rf"{field}.*rag build"):
        LiveIndex.open(library, tmp_path, replace(IDENTITY, **changed), terms)
    library.close()


def switch(library: Library, identity: Identity) -> None:
    """What a build with another model does; here its vectors are the same."""
    with library.changes_since(0) as changes:
        entries = [Entry(s.document, s.chunks, [c.context + c.text for c in s.chunks], s.vectors) for s in changes]
    library.switch(entries, identity)


def test_a_running_process_goes_on_with_what_it_has_where_another_switches_the_model(
    index: LiveIndex, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    index.put([entry(f"d{i}", text(i)) for i in range(20)])
    index.write_generation()
    index.put([entry("tail", "宜宾的竹海")])
    before = searched(index.snapshot(), "宜宾的桥梁")
    other = replace(IDENTITY, model="another")
    library = Library.open(tmp_path / FILE)
    switch(library, other)
    assert searched(index.snapshot(), "宜宾的桥梁") == before
    assert_whole(index.snapshot())  # the texts are still those that it knows
    assert index.degraded is not None and "another" in index.degraded and caplog.text.count("built anew") == 1

    switched = LiveIndex.open(library, tmp_path, other, terms)
    assert ids(switched.snapshot()) == ids(index.snapshot()) == {f"d{i}" for i in range(20)} | {"tail"}
    switched.put([entry("d3", "换了"), entry("new", "新的一篇")])
    switched.remove(["d5"])
    assert ids(index.snapshot()) == {f"d{i}" for i in range(20) if i not in (3, 5)} | {"tail"}
    index.remove(["d6"])  # as a user may want by law, whatever is being moved
    assert "d6" not in ids(index.snapshot()) | ids(switched.snapshot())
    assert_whole(index.snapshot())
    assert caplog.text.count("built anew") == 1

    for refused in (lambda: index.put([entry("late", "晚了")]), index.write_generation):
        with pytest.raises(IndexMismatch, match=r"'another'.*'bigrams-1'.*rag build"):
            refused()
    manifest = generation.current(tmp_path)
    assert manifest is not None and manifest.identity == other

    switch(library, IDENTITY)  # back again
    assert ids(index.snapshot()) == {f"d{i}" for i in range(20) if i not in (5, 6)} | {"tail", "new"}
    assert_whole(index.snapshot())
    assert index.degraded is None
    index.put([entry("late", "晚了")])
    assert "late" in ids(index.snapshot())
    close(switched)


def test_a_full_disk_leaves_the_index_serving(
    index: LiveIndex, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    index.put([entry(f"d{i}", text(i)) for i in range(5)])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="space"):
            index.write_generation()
    assert generation.current(tmp_path) is None
    assert ids(index.snapshot()) == {f"d{i}" for i in range(5)}
    index.write_generation()
    assert_whole(index.snapshot())


WRITER = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from samples import entry, open_index, text
index = open_index(Path(sys.argv[1]))
number = int(sys.argv[3])
while True:
    batch = [entry(f"d{n}", text(n)) for n in range(number, number + 3)]
    index.put([*batch, entry("again", f"第{number}次\\n又一次")])
    number += 3
    if number % 5 == 0:
        index.write_generation()
    print(json.dumps(number), flush=True)
"""


def test_a_killed_writer_loses_nothing_that_it_answered_and_leaves_nothing_half_there(tmp_path: Path) -> None:
    answered = 0
    for lines in (4, 9, 14):
        command = [sys.executable, "-c", WRITER, str(tmp_path), str(Path(__file__).parent), str(answered)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for line in writer.stdout:
                answered = json.loads(line)
                lines -= 1
                if not lines:
                    writer.send_signal(signal.SIGKILL)
                    break
            assert not lines, "the writer ended by itself"
            for line in writer.stdout:  # answered before the signal arrived
                answered = json.loads(line)
        index = open_index(tmp_path)
        snapshot = index.snapshot()
        found = ids(snapshot) - {"again"}
        numbers = sorted(int(i[1:]) for i in found)
        assert numbers in (list(range(answered)), list(range(answered + 3)))  # the last one may have been written
        assert snapshot.documents == len(found) + 1
        assert index.degraded is None
        assert_whole(snapshot)
        close(index)
        answered = len(numbers)
