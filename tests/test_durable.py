"""What was answered stays when the power fails, and a disk that fails for a moment stops nothing for longer."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from samples import IDENTITY, entry

from rag import durable
from rag.errors import RagError
from rag.library import FILE, Library


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What is synced, in order."""
    found: list[Path] = []
    fsync = os.fsync

    def noting(handle: int) -> None:
        found.append(Path(f"/proc/self/fd/{handle}").resolve())
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noting)
    return found


def test_a_folder_is_on_the_disk_with_those_above_it(tmp_path: Path, synced: list[Path]) -> None:
    durable.make(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    assert synced == [tmp_path / "a", tmp_path]
    durable.make(tmp_path / "a" / "b")
    assert len(synced) == 2


def test_the_name_of_a_record_is_on_the_disk_before_anything_is_answered(tmp_path: Path, synced: list[Path]) -> None:
    Library.open(tmp_path / "vectors" / FILE).close()
    assert synced == [tmp_path, tmp_path / "vectors"]
    Library.open(tmp_path / "vectors" / FILE).close()  # the process before may have been killed at its first call
    assert synced[-1] == tmp_path / "vectors" and len(synced) == 3


class Disk:
    """Opens SQLite files for reading alone while it ``fails``, as SQLite does where a disk refuses writing."""

    def __init__(self, connect: Callable[..., sqlite3.Connection]) -> None:
        self.fails = 0
        self._connect = connect

    def __call__(self, path: str, **options: Any) -> sqlite3.Connection:
        if not self.fails:
            return self._connect(path, **options)
        self.fails -= 1
        return self._connect(f"{Path(path).as_uri()}?mode=ro", uri=True, **options)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    disk = Disk(sqlite3.connect)
    monkeypatch.setattr(sqlite3, "connect", disk)
    yield disk


def test_a_connection_that_could_be_opened_for_reading_alone_is_not_kept(tmp_path: Path, disk: Disk) -> None:
    library = Library.open(tmp_path / FILE)
    library.put([entry("a", "甲")], IDENTITY)
    with library.changes_since(0):  # takes the one connection that there is
        disk.fails = 1
        library.put([entry("b", "乙")], IDENTITY)
        assert disk.fails == 0
    library.close()


def test_a_disk_that_refuses_writing_is_read_from_and_written_to_as_soon_as_it_can_be(
    tmp_path: Path, disk: Disk
) -> None:
    library = Library.open(tmp_path / FILE)
    library.put([entry("a", "甲")], IDENTITY)
    with library.changes_since(0):
        disk.fails = 100
        found = library.get("a")
        assert found is not None and found.text == "甲"
        with pytest.raises(RagError, match="readonly"):
            library.put([entry("b", "乙")], IDENTITY)
        disk.fails = 0
        library.put([entry("b", "乙")], IDENTITY)
    assert library.counts() == (2, 2)
    library.close()


def test_a_record_that_cannot_be_written_to_is_not_opened(tmp_path: Path, disk: Disk) -> None:
    Library.open(tmp_path / FILE).close()
    disk.fails = 100
    with pytest.raises(RagError, match="written"):
        Library.open(tmp_path / FILE)
    disk.fails = 0
    library = Library.open(tmp_path / FILE)
    library.put([entry("a", "甲")], IDENTITY)
    library.close()
