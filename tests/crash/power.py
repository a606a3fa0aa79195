"""The power fails: what was not yet synced is gone, or there in part, in whatever order the disk liked.

All changes of a run are written down with their data and played again on a model of the disk. A file holds what was
synced, and of what was written since any part, in sectors. A folder holds the names that were synced, and of the
changes since the first few: file systems keep those in order. This is harder than what ext4 or XFS do to a program.
"""

import os
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
_HEAD = struct.Struct("<QQqQ")


@dataclass(frozen=True)
class Change:
    """One call that came through.

    ``kind`` is W(rite), T(runcate) to ``place``, S(ync), C(reate), M(ake a folder), R(ename) and
    L(ink) to ``other``, U(nlink), or A for a mark of the driver, whose text is ``path``.
    """

    kind: str
    path: str
    other: str
    place: int
    data: bytes


@dataclass
class File:
    """What a power failure leaves for sure, and what was done since."""

    synced: bytearray = field(default_factory=bytearray)
    since: list[tuple[int, bytes | None]] = field(default_factory=list)  # None: cut, or grown, to that length

    def content(self, keep: float, chance: random.Random) -> bytearray:
        """With each sector written since there with probability ``keep``."""
        out = bytearray(self.synced)
        for place, data in self.since:
            if data is None:
                if chance.random() < keep:
                    out[place:] = b"\0" * max(0, place - len(out))
                continue
            for start in range(place - place % SECTOR, place + len(data), SECTOR):
                if chance.random() < keep:
                    first, end = max(start, place), min(start + SECTOR, place + len(data))
                    out += b"\0" * (first - len(out))
                    out[first:end] = data[first - place : end - place]
        return out

    def sync(self) -> None:
        """All that was done is there for sure."""
        self.synced, self.since = self.content(1.0, random.Random(0)), []


Node = File | None  # None is a folder


class Disk:
    """Files and folders by path: those that are seen, and those that are there for sure."""

    def __init__(self, root: Path) -> None:
        self.seen: dict[str, Node] = {str(root): None}
        for path in sorted(root.rglob("*")):
            self.seen[str(path)] = None if path.is_dir() else File(bytearray(path.read_bytes()))
        self._sure = dict(self.seen)
        self._since: dict[str, list[tuple[Change, Node]]] = {}  # changes of names, by folder

    def do(self, change: Change) -> None:
        """One more call has come through."""
        node = self.seen.get(change.path)
        if change.kind in "CMRLU":
            node = File() if change.kind == "C" else node
            _rename(self.seen, change, node)
            self._since.setdefault(str(Path(change.other or change.path).parent), []).append((change, node))
        elif change.kind in "WT" and node is not None:
            node.since.append((change.place, change.data if change.kind == "W" else None))
        elif change.kind == "S" and node is not None:
            node.sync()
        elif change.kind == "S":
            for done, named in self._since.pop(change.path, []):
                _rename(self._sure, done, named)

    def fail(self, target: Path, names: float, data: float, chance: random.Random) -> None:
        """Writes to ``target`` what is found after the power failed now.

        Of the changes of names in a folder the first few are there, of written sectors any: on the average this part.
        """
        found = dict(self._sure)
        for changes in self._since.values():
            for change, node in changes:
                if chance.random() >= names and names < 1:
                    break
                _rename(found, change, node)
        root = next(iter(self.seen))
        for path, node in sorted(found.items(), key=lambda item: item[0]):
            place = target / os.path.relpath(path, root)
            if node is None:
                if place.parent.is_dir() or path == root:
                    place.mkdir(exist_ok=True)
            elif place.parent.is_dir():
                place.write_bytes(node.content(data, chance))


def _rename(names: dict[str, Node], change: Change, node: Node) -> None:
    if change.kind in "RU":
        names.pop(change.path, None)
    if change.kind != "U":
        names[change.other or change.path] = node


def changes(trace: bytes) -> Iterator[Change]:
    """What the shim wrote down."""
    at = 0
    while at < len(trace):
        kind, second, place, length = _HEAD.unpack_from(trace, at)
        first, code = kind >> 8, chr(kind & 0xFF)
        at += _HEAD.size
        path, other = trace[at : at + first].decode(), trace[at + first : at + first + second].decode()
        at += first + second
        length = length if code == "W" else 0
        yield Change(code, path, other, place, trace[at : at + length])
        at += length
