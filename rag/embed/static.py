"""Static models as sentence-transformers computes them, with tokenizers and NumPy: no torch is loaded."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.embed.base import Vectors, clean, hash_files, read_json, unit
from rag.errors import InvalidInput

_BLOCK = 1024  # texts that are tokenised at a time, so that memory stays small
_LONG = 4096  # tokens from which on a text's equal tokens are counted first
_TABLES = {"I8", "F16", "F32"}
_ACTIVATIONS: dict[str, Callable[[Vectors], Vectors]] = {
    "torch.nn.modules.linear.Identity": lambda x: x,
    "torch.nn.modules.activation.Tanh": np.tanh,
    "torch.nn.modules.activation.Softsign": lambda x: x / (1 + np.abs(x)),
}
Step = Callable[[Vectors], Vectors]  # what is done to pooled rows, float32 (n, d) to (n, e)


class StaticEmbedder:
    """The mean of a table's rows, one per token (``StaticEmbedding``), then ``Normalize`` and ``Dense`` modules.

    The table stays in memory as it is stored (int8 or float16); only rows in use become float32. Safe to use from
    several threads.
    """

    def __init__(self, folder: Path) -> None:
        """Read the model; raises InvalidInput where a file is damaged or the parts do not fit together."""
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        try:
            self._tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            tensors = load_file(folder / "model.safetensors")
            self._table: NDArray[Any] = tensors["embedding.weight" if "embedding.weight" in tensors else "embeddings"]
            self._steps = [_step(folder / module["path"], _kind(module)) for module in _modules(folder)[1:]]
        except Exception as error:  # the libraries raise plain Exception for a damaged file
            raise InvalidInput(f"The embedding model at {folder} cannot be read ({error}); fetch it again.") from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._rows: NDArray[Any] | None = tensors.get("mapping")
        self._weights: NDArray[np.float32] | None = None
        if "weights" in tensors:
            self._weights = tensors["weights"].astype(np.float32)
        marks = read_json(folder / "rag.json")
        self._learnt = int(marks["learnt"]) if isinstance(marks, dict) and "learnt" in marks else 0
        known = len(self._table) if self._rows is None else len(self._rows)
        if known < self._tokenizer.get_vocab_size():
            raise InvalidInput(
                f"The embedding model at {folder} has {known} rows for {self._tokenizer.get_vocab_size()} tokens; "
                "its files are not of one model, so fetch it again."
            )
        self.dimension = self._pooled(np.zeros((1, self._table.shape[1]), np.float32)).shape[1]
        self.name = f"{folder.resolve().name}@{hash_files(folder)[:12]}"

    def passages(self, texts: Sequence[str]) -> Vectors:
        """See Embedder."""
        out = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for at in range(0, len(texts), _BLOCK):
            means = np.zeros((min(_BLOCK, len(texts) - at), self._table.shape[1]), dtype=np.float32)
            known = np.zeros(len(means), dtype=np.bool_)
            for i, ids in enumerate(self._tokens(texts[at : at + _BLOCK])):
                if len(ids):
                    means[i], known[i] = self._mean(ids), True
            out[at : at + len(means)][known] = self._pooled(means[known])
        return out

    queries = passages

    def meanings(self, texts: Sequence[str]) -> Vectors:
        """What texts have to do with each other, whichever words they use: float32 ``(n, e)``, rows of length 1 or 0.

        The mean of what was learnt of the tokens: the last numbers of their rows, as many as ``rag.json`` says, behind
        the code that tells tokens apart; of the whole rows where it says nothing.
        """
        width = self._learnt or self._table.shape[1]
        out = np.zeros((len(texts), width), dtype=np.float32)
        for at in range(0, len(texts), _BLOCK):
            for i, ids in enumerate(self._tokens(texts[at : at + _BLOCK]), at):
                if len(ids):
                    out[i] = self._mean(ids, width)
        return unit(out)

    def _tokens(self, texts: Sequence[str]) -> Iterator[NDArray[np.int64]]:
        for encoding in self._tokenizer.encode_batch_fast([clean(t) for t in texts], add_special_tokens=False):
            yield np.array(encoding.ids, dtype=np.int64)

    def _mean(self, ids: NDArray[np.int64], last: int = 0) -> Vectors:
        """The mean of the tokens' rows or of their ``last`` numbers, float32 ``(d,)``."""
        times = np.full(len(ids), 1 / len(ids), dtype=np.float32)
        if len(ids) > _LONG:
            ids, counts = np.unique(ids, return_counts=True)
            times = (counts / counts.sum()).astype(np.float32)
        if self._weights is not None:
            times = times * self._weights[ids]
        rows = self._table[:, -last:][ids if self._rows is None else self._rows[ids]]
        mean: Vectors = times @ rows.astype(np.float32)
        return mean

    def _pooled(self, rows: Vectors) -> Vectors:
        for step in self._steps:
            rows = step(rows)
        return unit(rows)


def is_static(folder: Path) -> bool:
    """Whether a folder holds one ``StaticEmbedding`` with no prompt, and behind it only what NumPy can follow here."""
    modules = _modules(folder)
    if not modules or not (folder / "model.safetensors").is_file() or modules[0].get("path"):
        return False
    if _kind(modules[0]) != "StaticEmbedding" or not all(_followed(folder, module) for module in modules[1:]):
        return False
    config = read_json(folder / "config_sentence_transformers.json")
    if isinstance(config, dict) and (any((config.get("prompts") or {}).values()) or config.get("truncate_dim")):
        return False
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / "model.safetensors", framework="np") as file:
            names = {"embedding.weight", "embeddings"} & set(file.keys())
            return any(file.get_slice(name).get_dtype() in _TABLES for name in names)
    except SafetensorError:
        return True  # StaticEmbedder says what is wrong with it


def _modules(folder: Path) -> list[dict[str, str]]:
    modules = read_json(folder / "modules.json")
    return modules if isinstance(modules, list) and all(isinstance(module, dict) for module in modules) else []


def _kind(module: dict[str, str]) -> str:
    return str(module.get("type", "")).rsplit(".", 1)[-1]


def _followed(folder: Path, module: dict[str, str]) -> bool:
    if _kind(module) != "Dense":
        return _kind(module) == "Normalize"
    config = read_json(folder / str(module.get("path")) / "config.json")
    return (
        isinstance(config, dict)
        and config.get("activation_function") in _ACTIVATIONS
        and not config.get("use_residual")
        and {config.get("module_input_name"), config.get("module_output_name")} == {"sentence_embedding"}
    )


def _step(folder: Path, kind: str) -> Step:
    """``Normalize``, or a ``Dense`` layer; one whose weight is diagonal multiplies number by number."""
    if kind == "Normalize":
        return unit
    from safetensors.numpy import load_file

    tensors = load_file(folder / "model.safetensors")
    weight = tensors["linear.weight"].astype(np.float32)
    bias = tensors["linear.bias"].astype(np.float32) if "linear.bias" in tensors else np.float32(0)
    activation = _ACTIVATIONS[read_json(folder / "config.json")["activation_function"]]
    diagonal = np.diagonal(weight).copy()
    if weight.shape[0] == weight.shape[1] and np.count_nonzero(weight) == np.count_nonzero(diagonal):
        return lambda rows: activation(rows * diagonal + bias)
    return lambda rows: activation(rows @ weight.T + bias)
