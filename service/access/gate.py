"""Whether a request may pass: what it needs, and what the key that it shows may do."""

import hmac
import re
from collections.abc import Sequence
from pathlib import Path

from starlette.datastructures import Headers

from rag.errors import Damaged
from service.access import keys
from service.access.keys import Key, Scope
from service.access.origin import check_origin
from service.problems import ServiceError
from service.settings import Settings

OPEN = frozenset({"/", "/docs", "/openapi.json", "/livez", "/readyz"})
_OPEN_BELOW = ("/assets/",)
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_ASKING = re.compile(r"/ask|/search|/mcp|/v1(/.*)?")  # whatever the method, nothing is changed there
_BEARER = re.compile(r"bearer[ \t]+([^\s,]+)[ \t]*", re.I)


class InvalidKey(ServiceError):
    """No key where one is needed, or one that is unknown or revoked."""

    status = 401
    title = "Invalid API key"


class InsufficientScope(ServiceError):
    """A key that may read but not write."""

    status = 403
    title = "Insufficient scope"


def needed(method: str, path: str) -> Scope | None:
    """The scope that a request needs; None where all may come. What nobody thought of needs the widest."""
    if path in OPEN or path.startswith(_OPEN_BELOW):
        return None
    return "read" if method in _READING or _ASKING.fullmatch(path) else "write"


class Gate:
    """The keys of one service. Those in the file count from the moment that it changes."""

    def __init__(self, settings: Settings) -> None:
        self._given = settings.given_keys
        self._anonymous = settings.loopback or settings.allow_anonymous
        self._vectors: Path = settings.vectors_dir
        self._path = self._vectors / keys.FILE
        self._origins = settings.cors_origins
        self._stamp: tuple[int, int, int] | None = None
        self._kept: Sequence[Key] = ()

    def check(self, headers: Headers, scope: Scope) -> None:
        """Raises InvalidKey, InsufficientScope or ForeignPage where a request with these headers may not do what needs
        ``scope``; Damaged where the keys cannot be read."""
        if scope == "write":
            check_origin(headers, self._origins)
        known = [*self._given, *self._current()]
        if not known and self._anonymous:
            return
        shown = _key(headers)
        found = _match(shown, known)
        if found is None:
            said = "the key is unknown or revoked" if shown else "a key is needed"
            raise InvalidKey(f"{said}; send one as `Authorization: Bearer KEY` (keys are made with: rag key add NAME)")
        if not found.may(scope):
            raise InsufficientScope(f"the key {found.name} may read only; this needs one of the scope {scope}")

    def _current(self) -> Sequence[Key]:
        try:
            stat = self._path.stat()
            stamp = stat.st_ino, stat.st_mtime_ns, stat.st_size
        except FileNotFoundError:
            self._stamp, self._kept = None, ()
            return ()
        except OSError as error:
            raise Damaged(f"The keys in {self._path} cannot be read ({error.strerror}).") from None
        if stamp != self._stamp:
            self._kept, self._stamp = keys.read(self._vectors), stamp
        return self._kept


def _key(headers: Headers) -> bytes | None:
    """The key that is shown, where one and only one is."""
    shown = headers.getlist("authorization")
    found = _BEARER.fullmatch(shown[0].strip()) if len(shown) == 1 else None
    return found[1].encode("latin-1") if found else None


def _match(shown: bytes | None, known: Sequence[Key]) -> Key | None:
    """The key that was shown; every one is compared, so that the time tells nothing."""
    hashed = keys.digest(shown or b"")
    found = [each for each in known if hmac.compare_digest(each.sha256, hashed) and each.revoked is None]
    return found[0] if found and shown else None
