"""What an operator does with the folder: list, verify, roll back, clean, back up and restore."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from samples import close, entry, ids, open_index, text

from rag import durable, maintenance
from rag.errors import Busy, Damaged, InvalidInput, NotFound, RagError
from rag.index import generation
from rag.library import FILE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A record with two generations and one write after them."""
    folder = tmp_path / "vectors"
    index = open_index(folder)
    index.put([entry(f"d{i}", text(i)) for i in range(5)])
    index.write_generation()
    index.put([entry("d5", text(5))])
    index.write_generation()
    index.put([entry("late", "宜宾的竹海")])
    close(index)
    return folder


ALL = {"d0", "d1", "d2", "d3", "d4", "d5", "late"}


def held(folder: Path) -> tuple[set[str], str | None]:
    index = open_index(folder)
    found = ids(index.snapshot()), index.degraded
    close(index)
    return found


def test_generations_are_listed_and_rolled_back_without_losing_a_document(folder: Path) -> None:
    (newer, current), (older, other) = maintenance.generations(folder)
    assert (current, other, newer.documents, older.documents) == (True, False, 6, 5)
    assert maintenance.rollback(folder).name == older.name
    assert [(m.name, now) for m, now in maintenance.generations(folder)] == [(newer.name, False), (older.name, True)]
    assert held(folder) == (ALL, None)
    with pytest.raises(NotFound, match="before the current"):
        maintenance.rollback(folder)
    assert maintenance.rollback(folder, newer.name).name == newer.name
    with pytest.raises(NotFound, match="'nothing'"):
        maintenance.rollback(folder, "nothing")


def test_a_damaged_generation_is_not_rolled_back_to(folder: Path) -> None:
    newer, older = (manifest for manifest, _ in maintenance.generations(folder))
    path = folder / "generations" / older.name / "keys.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Damaged, match=r"keys\.npy"):
        maintenance.rollback(folder)
    now = generation.current(folder)
    assert now is not None and now.name == newer.name


def test_verify_finds_what_is_damaged_and_only_that(folder: Path) -> None:
    assert [each.fault for each in maintenance.verify(folder)] == [None, None, None]
    (folder / "generations" / "0000000009-left").mkdir()
    newer, _ = (manifest for manifest, _ in maintenance.generations(folder))
    path = folder / "generations" / newer.name / "dense.faiss"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with closing(sqlite3.connect(folder / FILE)) as connection, connection:
        connection.execute("UPDATE documents SET title = 'x' WHERE id = 'd3'")
    faults = {each.name: each.fault for each in maintenance.verify(folder) if each.fault}
    assert set(faults) == {"record", newer.name, "0000000009-left"}
    assert "'d3'" in str(faults["record"]) and "dense.faiss" in str(faults[newer.name])


def test_gc_leaves_what_is_served_and_frees_the_rest(folder: Path) -> None:
    index = open_index(folder)
    index.library.keep(["nobody has this"], entry("x", "一句话。").vectors[:1], index.identity.model)
    close(index)
    (folder / "generations" / "0000000009-left").mkdir()
    freed = maintenance.collect(folder)
    assert (freed.generations, freed.vectors) == (1, 1) and freed.bytes > 0
    assert [current for _, current in maintenance.generations(folder)] == [True]
    assert [each.fault for each in maintenance.verify(folder)] == [None, None]
    assert held(folder) == (ALL, None)


def test_a_backup_is_one_moment_and_comes_back(folder: Path, tmp_path: Path) -> None:
    saved = tmp_path / "backups" / "monday.sqlite3"
    index = open_index(folder)  # served meanwhile
    assert maintenance.backup(folder, saved) == saved.stat().st_size
    index.remove(["d0"])
    index.put([entry("later", "自贡的灯会")])
    index.write_generation()
    with pytest.raises(Busy, match="stop the service"):
        maintenance.restore(folder, saved)
    close(index)
    assert held(folder)[0] == ALL - {"d0"} | {"later"}
    assert maintenance.restore(folder, saved) == len(ALL)
    found, degraded = held(folder)
    assert found == ALL and degraded is None
    assert (folder / f"{FILE}.before-restore").exists()
    assert [path.name for path in folder.glob(f"{FILE}.*-*") if "before" not in path.name] == []
    with pytest.raises(InvalidInput, match="exists"):
        maintenance.backup(folder, saved)


def test_what_is_no_whole_backup_changes_nothing(folder: Path, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    maintenance.backup(folder, saved)
    before = (folder / FILE).read_bytes()
    data = saved.read_bytes()
    for name, damaged in (
        ("cut", data[: len(data) // 2]), ("text", b"no record at all"), ("empty", b""),
        ("flipped", data.replace("宜宾的竹海".encode(), "宜宾的竹林".encode())),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(Damaged):
            maintenance.restore(folder, tmp_path / name)
    with pytest.raises(InvalidInput, match="no file"):
        maintenance.restore(folder, tmp_path / "nothing")
    with pytest.raises(InvalidInput, match="no record"):
        maintenance.backup(tmp_path / "empty-folder", tmp_path / "x")
    assert (folder / FILE).read_bytes() == before
    assert held(folder) == (ALL, None)
    assert not [path for path in folder.iterdir() if path.name.count(".") > 1 and not path.name.endswith(".lock")]


def test_a_restoration_that_is_broken_off_at_its_last_step_leaves_the_record(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = tmp_path / "saved"
    maintenance.backup(folder, saved)
    index = open_index(folder)
    index.put([entry("later", "自贡的灯会")])  # stands in the log alone, as after a crash
    for suffix in ("", "-wal"):
        (tmp_path / f"crashed{suffix}").write_bytes((folder / f"{FILE}{suffix}").read_bytes())
    close(index)
    for suffix in ("", "-wal"):
        (tmp_path / f"crashed{suffix}").replace(folder / f"{FILE}{suffix}")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            maintenance.restore(folder, saved)
    assert held(folder) == (ALL | {"later"}, None)
    assert maintenance.restore(folder, saved) == len(ALL)
    assert held(folder) == (ALL, None)
    kept = tmp_path / "kept"
    kept.mkdir()
    (folder / f"{FILE}.before-restore").rename(kept / FILE)
    assert held(kept) == (ALL | {"later"}, None)


def test_a_record_too_damaged_to_open_is_kept_with_its_log_when_a_backup_takes_its_place(
    folder: Path, tmp_path: Path
) -> None:
    saved = tmp_path / "saved"
    maintenance.backup(folder, saved)
    (folder / FILE).write_bytes(b"no record at all" * 300)
    (folder / f"{FILE}-wal").write_bytes(b"no log")
    assert maintenance.restore(folder, saved) == len(ALL)
    assert held(folder) == (ALL, None)
    assert (folder / f"{FILE}.before-restore").read_bytes().startswith(b"no record at all")
    assert (folder / f"{FILE}.before-restore-wal").read_bytes() == b"no log"


def test_a_log_that_could_not_be_deleted_is_not_left_to_the_backup(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = tmp_path / "saved"
    maintenance.backup(folder, saved)
    journal = folder / f"{FILE}-journal"
    connect = sqlite3.connect

    class Leaving(sqlite3.Connection):
        def close(self) -> None:
            super().close()
            journal.write_bytes(b"left")

    def connected(path: Any, **options: Any) -> Any:
        return connect(path, **options, factory=Leaving) if path == folder / FILE else connect(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", connected)
        with pytest.raises(RagError, match="journal"):
            maintenance.restore(folder, saved)
    assert held(folder) == (ALL, None)
    assert maintenance.restore(folder, saved) == len(ALL)
    assert not journal.exists()


def test_a_record_whose_last_change_was_broken_off_is_replaced_like_any(folder: Path, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    maintenance.backup(folder, saved)
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("PRAGMA cache_size=1")  # so that pages are written before the end
        connection.execute("BEGIN")
        connection.execute("UPDATE documents SET text = text || hex(randomblob(20000))")
        left = (folder / FILE).read_bytes(), (folder / f"{FILE}-journal").read_bytes()
    broken = tmp_path / "broken"
    broken.mkdir()
    for suffix, data in zip(("", "-journal"), left, strict=True):
        (broken / f"{FILE}{suffix}").write_bytes(data)
    assert left[0] != (folder / FILE).read_bytes()
    assert maintenance.restore(broken, saved) == len(ALL)
    assert held(broken) == (ALL, None)
    kept = tmp_path / "kept"
    kept.mkdir()
    (broken / f"{FILE}.before-restore").rename(kept / FILE)
    assert held(kept) == (ALL, None)


def test_a_backup_whose_last_sync_fails_leaves_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "backups" / "monday.sqlite3"
    target.parent.mkdir()
    sync = durable.sync

    def failing(path: Path) -> None:
        if path == target.parent:
            raise OSError(5, "Input/output error")
        sync(path)

    with monkeypatch.context() as patch:
        patch.setattr(durable, "sync", failing)
        with pytest.raises(OSError, match="output"):
            maintenance.backup(folder, target)
    assert not list(target.parent.iterdir())
    assert maintenance.backup(folder, target) == target.stat().st_size


def test_gc_takes_what_a_killed_restoration_left(folder: Path) -> None:
    names = [f"{FILE}.0a1b2c3d{suffix}" for suffix in ("", "-journal", "-wal", ".lock")]
    others = [f"{FILE}.before-restore", f"{FILE}.mine"]
    for name in [*names, *others]:
        (folder / name).write_bytes(b"x")
    maintenance.collect(folder)
    assert not [name for name in names if (folder / name).exists()]
    assert all((folder / name).exists() for name in others)
