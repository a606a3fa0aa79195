"""Generations: the whole index as files that are written once, and the manifest that says which one is served.

``vectors/generations/NAME/`` holds one file an array and ``manifest.json``; ``vectors/CURRENT`` is a copy of the
manifest that counts. Files reach the disk before ``CURRENT`` is renamed into place, and their SHA-256 is compared
before any of them is parsed.
"""

import fcntl
import hashlib
import io
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.durable import sync
from rag.errors import Damaged
from rag.index.dense import DenseSegment
from rag.index.part import Part
from rag.record.rows import Identity
from rag.reprints import SKETCH

FORMAT = 1
CURRENT = "CURRENT"
_FOLDER = "generations"
_MANIFEST = "manifest.json"
_DENSE = "dense.faiss"


@dataclass(frozen=True, slots=True)
class File:
    """What a file must be."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation is. ``sequence`` is the record's number up to which it holds everything."""

    name: str
    record: str  # the record that it was made from
    sequence: int
    identity: Identity
    documents: int
    chunks: int
    created: str  # ISO time in UTC
    files: Mapping[str, File]
    sketch: str = ""  # what its documents' sketches are; earlier versions stored none

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(file.bytes for file in self.files.values())


def write(vectors: Path, part: Part, *, record: str, sequence: int, identity: Identity) -> Manifest:
    """Writes a generation and makes it the current one; hold ``lock`` meanwhile.

    Args:
        vectors: the folder of the record and its indexes.
        part: the whole index.
        record: name of the record.
        sequence: the record's number that ``part`` stands at.
        identity: what it was made with.

    Raises:
        OSError: the disk is full or cannot be written; the generation before stays the current one.
    """
    name = f"{sequence:010d}-{secrets.token_hex(4)}"
    folder = vectors / _FOLDER / name
    folder.mkdir(parents=True)
    try:
        files = {f"{key}.npy": _write(folder / f"{key}.npy", _npy(array)) for key, array in part.arrays().items()}
        files[_DENSE] = _write(folder / _DENSE, part.dense.serialize())
        created = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        manifest = Manifest(name, record, sequence, identity, len(part.keys), len(part), created, files, SKETCH)
        text = _encode(manifest)
        _write(folder / _MANIFEST, text)
        for changed in (folder, folder.parent, vectors):
            sync(changed)
        _point(vectors, name, text)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    sync(vectors)
    return manifest


def point(vectors: Path, manifest: Manifest) -> None:
    """Makes a generation that is there the current one; hold ``lock`` meanwhile. Raises OSError, and nothing changed"""
    _point(vectors, manifest.name, _encode(manifest))
    sync(vectors)


def _point(vectors: Path, name: str, text: bytes) -> None:
    beside = vectors / f"{CURRENT}.{name}"
    try:
        beside.unlink(missing_ok=True)  # of a process that was killed
        _write(beside, text)
        beside.replace(vectors / CURRENT)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def current(vectors: Path) -> Manifest | None:
    """The manifest that counts, None where no generation was written.

    Raises:
        Damaged: it cannot be read, or is not what was written.
    """
    return _manifest(vectors / CURRENT)


def earlier(vectors: Path) -> list[Manifest]:
    """The manifests of all complete generations, newest first; damaged ones are left out."""
    found = []
    for path in (vectors / _FOLDER).glob(f"*/{_MANIFEST}"):
        with suppress(Damaged):
            manifest = _manifest(path)
            if manifest is not None and manifest.name == path.parent.name:
                found.append(manifest)
    return sorted(found, key=lambda m: (m.sequence, m.created), reverse=True)


def broken(vectors: Path) -> list[str]:
    """Names of folders that hold no complete generation: damaged, or left by a write that was killed."""
    whole = {manifest.name for manifest in earlier(vectors)}
    folders = (vectors / _FOLDER).iterdir() if (vectors / _FOLDER).is_dir() else iter(())
    return sorted(folder.name for folder in folders if folder.is_dir() and folder.name not in whole)


def load(vectors: Path, manifest: Manifest) -> Part:
    """Checks size and SHA-256 of every file, then opens the index; arrays are memory-mapped, read-only.

    Raises:
        Damaged: a file is missing or is not what the manifest says.
    """
    folder = vectors / _FOLDER / manifest.name
    for name, file in manifest.files.items():
        _check(folder / name, file)
    arrays: dict[str, NDArray[np.generic]] = {}
    try:
        for name in manifest.files:
            if name != _DENSE:
                array = np.load(folder / name, mmap_mode="r", allow_pickle=False)
                arrays[name.removesuffix(".npy")] = array.view(np.ndarray)
        dense = DenseSegment.deserialize((folder / _DENSE).read_bytes())
        part = Part.from_arrays(arrays, dense)
    except (OSError, ValueError) as error:
        raise Damaged(f"Generation {manifest.name} cannot be read ({error}): run `rag build`.") from error
    if len(part) != manifest.chunks or len(part.keys) != manifest.documents:
        raise Damaged(f"Generation {manifest.name} does not hold what its manifest says: run `rag build`.")
    return part


def prune(vectors: Path, keep: int = 2) -> None:
    """Deletes all but the newest generations, and what killed writes left behind; hold ``lock`` meanwhile.

    Nothing is deleted while ``CURRENT`` cannot be read.
    Other processes may go on with files that they have open.
    """
    try:
        now = current(vectors)
    except Damaged:  # it may be readable the next time, and what it names must be there then
        return
    kept = {manifest.name for manifest in earlier(vectors)[:keep]} | ({now.name} if now else set())
    for folder in (vectors / _FOLDER).iterdir():
        if folder.is_dir() and folder.name not in kept:
            with suppress(OSError):
                (folder / _MANIFEST).unlink(missing_ok=True)  # first, so that half of it is not taken for the whole
                shutil.rmtree(folder)
    for beside in vectors.glob(f"{CURRENT}.*"):
        beside.unlink(missing_ok=True)


@contextmanager
def lock(vectors: Path, what: str = "") -> Iterator[None]:
    """One writer of generations at a time, across threads and processes; given up by the system on a crash.

    ``what`` names another kind of work that only one may do.
    """
    folder = vectors / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / f".lock{what and f'-{what}'}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _encode(manifest: Manifest) -> bytes:
    body: dict[str, Any] = {"format": FORMAT, **asdict(manifest)}
    body["sha256"] = _body_hash(body)
    return json.dumps(body, ensure_ascii=False, indent=1).encode()


def _body_hash(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _manifest(path: Path) -> Manifest | None:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        if body.pop("sha256") != _body_hash(body) or body.pop("format") != FORMAT:
            raise ValueError("its hash or format is another")
        files = {name: File(**file) for name, file in body.pop("files").items()}
        identity = Identity(**body.pop("identity"))
        return Manifest(identity=identity, files=files, **body)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise Damaged(f"The manifest {path} is damaged ({error}): run `rag build`.") from error


def _check(path: Path, wanted: File) -> None:
    try:
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest() if size == wanted.bytes else ""
    except OSError as error:
        raise Damaged(f"The index file {path} cannot be read ({error.strerror}): run `rag build`.") from error
    if sha256 != wanted.sha256:
        raise Damaged(
            f"The index file {path} is not what was written ({size} of {wanted.bytes} bytes): run `rag build`."
        )


def _npy(array: NDArray[np.generic]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def _write(path: Path, data: bytes) -> File:
    with path.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    return File(len(data), hashlib.sha256(data).hexdigest())
