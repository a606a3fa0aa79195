"""What embedders have in common: the interface, unit rows, and the name that changes with the weights."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Vectors]  # texts to unit vectors, float32 (n, d)

_SURROGATES = re.compile("[\ud800-\udfff]")


class Embedder(Protocol):
    """What turns texts into vectors. A text in which nothing is known has a row of zeros, never NaN."""

    name: str
    """Which model it is, with a short SHA-256 of its files or weights: other vectors, another name."""
    dimension: int
    """The length of a vector."""

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts that are to be found, float32 ``(n, d)``, rows of length 1."""
        ...

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of questions, float32 ``(n, d)``, rows of length 1."""
        ...


def clean(text: str) -> str:
    """Lone surrogates have no UTF-8 form, which the tokenizers need."""
    return _SURROGATES.sub("\ufffd", text)


def unit(rows: Vectors) -> Vectors:
    """Rows divided by their lengths, in place; a row of zeros stays one."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    np.divide(rows, lengths, out=rows, where=lengths > 0)
    return rows


def read_json(path: Path) -> Any:
    """The file's content, or None where there is none that can be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def hash_files(folder: Path) -> str:
    """SHA-256 over all files that can change a vector: names and contents, without the model card."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".md"):
        relative = path.relative_to(folder)
        if any(part.startswith(".") for part in relative.parts):
            continue
        digest.update(relative.as_posix().encode() + b"\0")
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
