"""Started on a full disk the service answers from what is stored, and recovers by itself once there is space."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import full_disk
import pytest

from rag.errors import StorageFailed
from rag.library import Library
from service.cli.common import check_writable

TESTS = Path(full_disk.__file__).parent


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with few megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, encoding="utf-8"
    )
    if mounted.returncode:
        pytest.skip(f"mounting is not permitted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> None:
    with suppress(OSError), (folder / "filler").open("wb", buffering=0) as filler:
        while filler.write(b"x" * 4096):
            pass


@pytest.mark.parametrize("ended", ["in order", "killed"])
def test_a_service_started_on_a_full_disk(small_disk: Path, ended: str) -> None:
    if ended == "in order":
        full_disk.store_first(small_disk)
    else:
        script = "import os, sys, pathlib, full_disk, rag.engine; rag.engine.Engine.close = lambda _: os._exit(0); "
        run(script + "full_disk.store_first(pathlib.Path(sys.argv[1]))", small_disk)
        assert (small_disk / "vectors" / "library.sqlite3-wal").stat().st_size
    full_disk.start_full(small_disk, lambda: fill(small_disk), (small_disk / "filler").unlink)


def test_a_service_whose_files_may_not_grow(tmp_path: Path) -> None:
    run("import runpy; runpy.run_module('full_disk', run_name='__main__', alter_sys=True)", tmp_path)


def test_a_record_that_cannot_be_made_for_want_of_space_is_refused(small_disk: Path) -> None:
    (small_disk / "vectors").mkdir()
    fill(small_disk)
    with pytest.raises((StorageFailed, OSError)):
        Library.open(small_disk / "vectors" / "library.sqlite3")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_no_reason_not_to_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fail(**_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("tempfile.TemporaryFile", fail)
    check_writable(tmp_path)


def run(script: str, folder: Path) -> None:
    path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    environment = os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, encoding="utf-8", env=environment, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
