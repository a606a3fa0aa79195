"""Texts to vectors: the shipped model with tokenizers and NumPy, any other through sentence-transformers."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.errors import InvalidInput
from rag.text import fold

Vectors = NDArray[np.float32]

SHIPPED = Path(__file__).parent / "models" / "chengyu-static-zh-v1"
_BLOCK = 1024  # texts that are tokenised at a time, so that memory stays small
_LONG = 4096  # tokens from which on a text's equal tokens are counted first
_SURROGATES = re.compile("[\ud800-\udfff]")
_STATIC = "StaticEmbedding"
_TABLES = {"I8", "F16", "F32"}


class Embedder(Protocol):
    """What turns texts into vectors. A text in which nothing is known has a row of zeros, never NaN."""

    name: str
    """Which model it is, with a short SHA-256 of its weights: other vectors, another name."""
    dimension: int
    """The length of a vector."""

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts that are to be found, float32 ``(n, d)``, rows of length 1."""
        ...

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of questions, float32 ``(n, d)``, rows of length 1."""
        ...


def load(model: str | None = None) -> Embedder:
    """Load the shipped model (``None``), a model folder, or a model of the Hugging Face hub by its id.

    A folder that holds a plain static model (token rows that are averaged) needs no torch; all else is loaded by
    sentence-transformers, without code that comes with a model. Raises InvalidInput where that does not work.
    """
    folder = SHIPPED if model is None else Path(model)
    if folder.is_dir():
        return StaticEmbedder(folder) if _is_static(folder) else TransformerEmbedder(str(folder))
    if model is None or folder.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1:
        raise InvalidInput(f"There is no embedding model at {folder}; name a model folder, or the id of a hub model.")
    return TransformerEmbedder(model)


class StaticEmbedder:
    """The mean of a table's rows, one per token, as sentence-transformers' ``StaticEmbedding`` computes it.

    The table stays in memory as it is stored (int8 or float16); only rows in use become float32. Safe to use from
    several threads.
    """

    def __init__(self, folder: Path) -> None:
        """Read the model; raises InvalidInput where a file is damaged or the parts do not fit together."""
        from safetensors.numpy import load
        from tokenizers import Tokenizer

        try:
            files = {name: (folder / name).read_bytes() for name in ("model.safetensors", "tokenizer.json")}
            self._tokenizer: Tokenizer = Tokenizer.from_buffer(files["tokenizer.json"])
            tensors = load(files["model.safetensors"])
            self._table: NDArray[Any] = tensors["embedding.weight" if "embedding.weight" in tensors else "embeddings"]
        except Exception as error:  # both libraries raise plain Exception for a damaged file
            raise InvalidInput(f"The embedding model at {folder} cannot be read ({error}); fetch it again.") from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._rows: NDArray[Any] | None = tensors.get("mapping")
        self._weights: NDArray[np.float32] | None = None
        if "weights" in tensors:
            self._weights = tensors["weights"].astype(np.float32)
        known = len(self._table) if self._rows is None else len(self._rows)
        if known < self._tokenizer.get_vocab_size():
            raise InvalidInput(
                f"The embedding model at {folder} has {known} rows for {self._tokenizer.get_vocab_size()} tokens; "
                "its files are not of one model, so fetch it again."
            )
        marks = _read_json(folder / "rag.json")
        self._fold = bool(marks.get("fold")) if isinstance(marks, dict) else False
        self.dimension = int(self._table.shape[1])
        digest = hashlib.sha256(f"fold={self._fold}".encode())
        for name in sorted(files):
            digest.update(hashlib.sha256(files[name]).digest())
        self.name = f"{folder.resolve().name}@{digest.hexdigest()[:12]}"

    def passages(self, texts: Sequence[str]) -> Vectors:
        """See Embedder."""
        out = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for i, ids in enumerate(self._tokens(texts)):
            if len(ids):
                out[i] = self._sum(ids)
        lengths = np.linalg.norm(out, axis=1, keepdims=True)
        np.divide(out, lengths, out=out, where=lengths > 0)
        return out

    queries = passages

    def _tokens(self, texts: Sequence[str]) -> Iterator[NDArray[np.int64]]:
        for at in range(0, len(texts), _BLOCK):
            block = [_clean(text) for text in texts[at : at + _BLOCK]]
            if self._fold:
                block = [fold(text) for text in block]
            for encoding in self._tokenizer.encode_batch_fast(block, add_special_tokens=False):
                yield np.array(encoding.ids, dtype=np.int64)

    def _sum(self, ids: NDArray[np.int64]) -> Vectors:
        """The weighted sum of rows; it points where their mean does."""
        times = np.ones(len(ids), dtype=np.float32)
        if len(ids) > _LONG:
            ids, counts = np.unique(ids, return_counts=True)
            times = counts.astype(np.float32)
        if self._weights is not None:
            times = times * self._weights[ids]
        rows = self._table[ids if self._rows is None else self._rows[ids]]
        total: Vectors = times @ rows.astype(np.float32)
        return total


class TransformerEmbedder:
    """Any model that sentence-transformers loads, with its own prompts for queries and passages."""

    def __init__(self, model: str) -> None:
        """Load from a folder or the hub; raises InvalidInput where that fails."""
        try:
            from sentence_transformers import SentenceTransformer

            self._model: Any = SentenceTransformer(model, trust_remote_code=False)
        except Exception as error:  # what is raised depends on the model and on the libraries below
            raise InvalidInput(
                f"The embedding model {model!r} cannot be loaded: {str(error).strip()[:300]} "
                "Name a folder made by SentenceTransformer.save or a hub id that can be reached, "
                "or leave the setting out to use the shipped model."
            ) from error
        self.dimension = int(self._model.get_embedding_dimension() or self._model.encode(["x"]).shape[1])
        folder = Path(model)
        digest = _hash_files(folder) if folder.is_dir() else _hash_weights(self._model)
        self.name = f"{folder.resolve().name if folder.is_dir() else model}@{digest[:12]}"

    def passages(self, texts: Sequence[str]) -> Vectors:
        """See Embedder."""
        return self._encode(self._model.encode_document, texts)

    def queries(self, texts: Sequence[str]) -> Vectors:
        """See Embedder."""
        return self._encode(self._model.encode_query, texts)

    def _encode(self, encode: Any, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        rows = encode([_clean(text) for text in texts], show_progress_bar=False, convert_to_numpy=True)
        out: Vectors = np.nan_to_num(np.array(rows, dtype=np.float32), posinf=0.0, neginf=0.0)
        lengths = np.linalg.norm(out, axis=1, keepdims=True)
        np.divide(out, lengths, out=out, where=lengths > 0)
        return out


def _clean(text: str) -> str:
    """Lone surrogates have no UTF-8 form, which the tokenizers need."""
    return _SURROGATES.sub("\ufffd", text)


def _is_static(folder: Path) -> bool:
    """Whether a folder holds one ``StaticEmbedding``, normalised or not, with no prompt and a table NumPy can read."""
    modules = _read_json(folder / "modules.json")
    if not isinstance(modules, list) or not (folder / "model.safetensors").is_file():
        return False
    kinds = [str(module.get("type", "")).rsplit(".", 1)[-1] for module in modules]
    if kinds not in ([_STATIC], [_STATIC, "Normalize"]) or modules[0].get("path"):
        return False
    config = _read_json(folder / "config_sentence_transformers.json")
    if isinstance(config, dict) and (any((config.get("prompts") or {}).values()) or config.get("truncate_dim")):
        return False
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / "model.safetensors", framework="np") as file:
            names = {"embedding.weight", "embeddings"} & set(file.keys())
            return any(file.get_slice(name).get_dtype() in _TABLES for name in names)
    except SafetensorError:
        return True  # StaticEmbedder says what is wrong with it


def _read_json(path: Path) -> Any:
    """The file's content, or None where there is none that can be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _hash_files(folder: Path) -> str:
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


def _hash_weights(model: Any) -> str:
    """SHA-256 over the weights in memory, for a model whose files lie in the hub's cache."""
    import torch

    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
