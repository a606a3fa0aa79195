"""Keys at rest: a file beside the record that holds their SHA-256, never the keys themselves.

A key has 256 random bits, so its hash needs neither salt nor slowness. Revoked keys stay in the file: a service that
had keys does not open to all when the last one goes. The file is replaced as a whole, so readers need no lock.
"""

import fcntl
import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from rag.errors import Conflict, Damaged, InvalidInput, NotFound

FILE = "keys.json"
SHORTEST = 16  # characters of a key that somebody chose

Scope = Literal["read", "write"]

_NAME = re.compile(r"[\w.@-]{1,64}")
_NAMED = re.compile(r"([^:]+):([^:]+):(.+)", re.S)


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key; ``write`` includes ``read``."""

    name: str
    scope: Scope
    sha256: str  # lower-case hex
    added: str = ""  # ISO time in UTC; empty for those of RAG_API_KEYS
    revoked: str | None = None

    def may(self, scope: Scope) -> bool:
        """Whether it suffices for what needs ``scope``."""
        return self.revoked is None and (self.scope == "write" or scope == "read")


def digest(key: bytes) -> str:
    """As it is kept."""
    return hashlib.sha256(key).hexdigest()


def read(vectors: Path) -> tuple[Key, ...]:
    """All keys that were ever added there. Raises Damaged where the file does not say."""
    path = vectors / FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return tuple(_checked(Key(**each)) for each in found["keys"])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, TypeError, KeyError) as error:
        why = error.strerror if isinstance(error, OSError) else "it does not hold what it should"
        raise Damaged(
            f"The keys in {path} cannot be read ({why}), so nobody is let in; mend the file, or delete it and add keys "
            "anew with: rag key add NAME"
        ) from None


def add(vectors: Path, name: str, scope: Scope) -> str:
    """Make a key and keep its hash; the key itself is told here and never again.

    Raises InvalidInput for a name that is none, Conflict where a key of this name is in use.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"The name {name!r} cannot be taken: give 1 to 64 letters, digits or any of . _ @ -")
    key = secrets.token_urlsafe(32)
    with _changing(vectors) as (known, store):
        if any(each.name == name and each.revoked is None for each in known):
            raise Conflict(f"There is a key {name!r} already; take another name, or revoke it first.")
        store([*known, Key(name, scope, digest(key.encode()), _now())])
    return key


def revoke(vectors: Path, name: str) -> Sequence[Key]:
    """Make the key of this name worthless; gives those that are left. Raises NotFound."""
    with _changing(vectors) as (known, store):
        if not any(each.name == name and each.revoked is None for each in known):
            raise NotFound(f"There is no key {name!r} that could be revoked; rag key list shows those there are.")
        store([replace(k, revoked=_now()) if k.name == name and k.revoked is None else k for k in known])
        return [each for each in known if each.revoked is None and each.name != name]


def given(entry: str, number: int) -> Key:
    """A key of ``RAG_API_KEYS``: ``name:scope:key``, or the key alone, which may write then. Raises ValueError, which
    does not hold the entry."""
    if named := _NAMED.fullmatch(entry):
        name, scope, key = named.groups()
    else:
        name, scope, key = f"RAG_API_KEYS {number}", "write", entry
    if scope not in get_args(Scope) or (not named and ":" in entry):
        raise ValueError(f"entry {number} is not a key; write name:read:KEY, name:write:KEY or KEY alone")
    if not all("!" <= character <= "~" for character in key):
        raise ValueError(f"the key of entry {number} holds white space or letters that no header can hold")
    if len(key) < SHORTEST:
        raise ValueError(f"the key of entry {number} has fewer than {SHORTEST} characters, so it can be guessed")
    return Key(name, "write" if scope == "write" else "read", digest(key.encode()))


@contextmanager
def _changing(vectors: Path) -> Iterator[tuple[Sequence[Key], "_Store"]]:
    vectors.mkdir(parents=True, exist_ok=True)
    path = vectors / f"{FILE}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8") as lock:
        if os.fstat(descriptor).st_mode & 0o077:  # an earlier version made it, for all to hold
            os.fchmod(descriptor, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield read(vectors), _Store(vectors)


class _Store:
    def __init__(self, vectors: Path) -> None:
        self._path = vectors / FILE

    def __call__(self, keys: Sequence[Key]) -> None:
        beside = self._path.with_suffix(".part")
        beside.unlink(missing_ok=True)
        text = json.dumps({"keys": [asdict(each) for each in keys]}, ensure_ascii=False, indent=1)
        beside.touch(0o600, exist_ok=False)
        with beside.open("w", encoding="utf-8") as stream:
            stream.write(text + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _checked(key: Key) -> Key:
    if not (isinstance(key.name, str) and key.scope in get_args(Scope) and re.fullmatch("[0-9a-f]{64}", key.sha256)):
        raise ValueError("not a key")
    return key


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
