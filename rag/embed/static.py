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
_ROUTES = ("query", "document")
Step = Callable[[Vectors], Vectors]  # what is done to pooled rows, float32 (n, d) to (n, e)


class StaticEmbedder:
    """The mean of a table's rows, one per token (``StaticEmbedding``), then ``Normalize`` and ``Dense`` modules.

    A ``Router`` among them sends queries another way than passages. The table stays in memory as it is stored (int8 or
    float16); only rows in use become float32. Safe to use from several threads.
    """

    def __init__(self, folder: Path) -> None:
        """Read the model; raises InvalidInput where a file is damaged or the parts do not fit together."""
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        try:
            self._tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            tensors = load_file(folder / "model.safetensors")
            self._table: NDArray[Any] = tensors["embedding.weight" if "embedding.weight" in tensors else "embeddings"]
            self._query, self._passage = ([_step(*stage) for stage in _stages(folder, route)] for route in _ROUTES)
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
        self.dimension = _through(self._passage, np.zeros((1, self._table.shape[1]), np.float32)).shape[1]
        self.name = f"{folder.resolve().name}@{hash_files(folder)[:12]}"

    @property
    def tokenizer(self) -> Any:
        """The ``tokenizers.Tokenizer`` of the model, without padding and truncation."""
        return self._tokenizer

    def passages(self, texts: Sequence[str]) -> Vectors:
        """See Embedder."""
        return self._embedded(texts, self._passage)

    def queries(self, texts: Sequence[str]) -> Vectors:
        """See Embedder."""
        return self._embedded(texts, self._query)

    def _embedded(self, texts: Sequence[str], steps: Sequence[Step]) -> Vectors:
        out = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for start, means in self._means(texts, self._table.shape[1]):
            known = means.any(axis=1)
            out[start : start + len(means)][known] = _through(steps, means[known])
        return out

    def meanings(self, texts: Sequence[str]) -> Vectors:
        """What texts have to do with each other, whichever words they use: float32 ``(n, e)``, rows of length 1 or 0.

        The mean of what was learnt of the tokens: the last numbers of their rows, as many as ``rag.json`` says, behind
        the code that tells tokens apart; of the whole rows where it says nothing.
        """
        width = self._learnt or self._table.shape[1]
        blocks = [means for _, means in self._means(texts, width)]
        return unit(np.concatenate(blocks)) if blocks else np.zeros((0, width), np.float32)

    def _means(self, texts: Sequence[str], last: int) -> Iterator[tuple[int, Vectors]]:
        """The means of the ``last`` numbers of the tokens' rows, block by block: number of the first text, the rows."""
        for start in range(0, len(texts), _BLOCK):
            ids = self._tokens(texts[start : start + _BLOCK])
            means = np.zeros((len(ids), last), dtype=np.float32)
            words = [i for i, some in enumerate(ids) if len(some) == 1]  # by far the most where words are embedded
            if words:
                means[words] = self._rows_of(np.concatenate([ids[i] for i in words]), last)
            for i, some in enumerate(ids):
                if len(some) > 1:
                    means[i] = self._mean(some, last)
            yield start, means

    def _tokens(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        found = self._tokenizer.encode_batch_fast([clean(text) for text in texts], add_special_tokens=False)
        return [np.array(encoding.ids, dtype=np.int64) for encoding in found]

    def _mean(self, ids: NDArray[np.int64], last: int) -> Vectors:
        """The mean of the ``last`` numbers of the tokens' rows, float32 ``(last,)``."""
        times = np.full(len(ids), 1 / len(ids), dtype=np.float32)
        if len(ids) > _LONG:
            ids, counts = np.unique(ids, return_counts=True)
            times = (counts / counts.sum()).astype(np.float32)
        if self._weights is not None:
            times = times * self._weights[ids]
        mean: Vectors = times @ self._numbers(ids, last)
        return mean

    def _rows_of(self, ids: NDArray[np.int64], last: int) -> Vectors:
        """The ``last`` numbers of each token's row, float32 ``(len(ids), last)``."""
        rows = self._numbers(ids, last)
        return rows if self._weights is None else rows * self._weights[ids, None]

    def _numbers(self, ids: NDArray[np.int64], last: int) -> Vectors:
        """The same without the rows' weights."""
        found: Vectors = self._table[:, -last:][ids if self._rows is None else self._rows[ids]].astype(np.float32)
        return found


def is_static(folder: Path) -> bool:
    """Whether a folder holds one ``StaticEmbedding`` with no prompt, and behind it only what NumPy can follow here."""
    modules = _modules(folder)
    if not modules or not (folder / "model.safetensors").is_file() or modules[0].get("path"):
        return False
    if _kind(modules[0].get("type")) != "StaticEmbedding":
        return False
    try:
        if not all(_followed(*stage) for route in _ROUTES for stage in _stages(folder, route)):
            return False
    except (KeyError, TypeError):  # a router of another kind, or a damaged one
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


def _stages(folder: Path, route: str) -> Iterator[tuple[Path, str]]:
    """Folder and kind of each module behind the table, as a text goes on that route.

    Raises KeyError or TypeError for a router that has other routes, or routes by something else.
    """
    for module in _modules(folder)[1:]:
        path, kind = folder / module["path"], _kind(module["type"])
        if kind != "Router":
            yield path, kind
            continue
        router = read_json(path / "router_config.json")
        if router["parameters"]["route_mappings"]:
            raise KeyError("route_mappings")
        for name in router["structure"][route]:
            yield path / name, _kind(router["types"][name])


def _kind(type: object) -> str:
    return str(type).rsplit(".", 1)[-1]


def _followed(folder: Path, kind: str) -> bool:
    if kind != "Dense":
        return kind == "Normalize"
    config = read_json(folder / "config.json")
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


def _through(steps: Sequence[Step], rows: Vectors) -> Vectors:
    """Unit rows of what a route makes of pooled ones."""
    for step in steps:
        rows = step(rows)
    return unit(rows)
