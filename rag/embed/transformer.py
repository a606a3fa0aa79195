"""Any model that sentence-transformers loads, with its own prompts for queries and passages or those it is given."""

import hashlib
import json
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag.embed.base import Vectors, clean, hash_files, unit
from rag.embed.options import Options
from rag.errors import InvalidInput

_BATCH = 32  # texts at a time where nothing is set
_PASSAGE_PROMPTS = ("document", "passage", "corpus")  # names that models give to it


class TransformerEmbedder:
    """Loaded without code that comes with a model; a hub model from the local cache where it is there whole.

    Safe to use from several threads: they take turns in the tokenizer and compute side by side.
    """

    def __init__(self, model: str, options: Options | None = None) -> None:
        """Load from a folder or the hub; raises InvalidInput where that fails or the options do not fit the model."""
        options = options or Options()
        self._batch = options.batch_size or _BATCH
        self._model, name = _load(model, options.device)
        self._model.preprocess = _taking_turns(self._model.preprocess)
        own = self._prompts()
        self._query_prompt, self._passage_prompt = (
            was if given is None else given
            for was, given in zip(own, (options.query_prompt, options.passage_prompt), strict=True)
        )
        marks = []
        if (self._query_prompt, self._passage_prompt) != own:
            prompts = json.dumps([self._query_prompt, self._passage_prompt]).encode()
            marks.append(f"prompts={hashlib.sha256(prompts).hexdigest()[:8]}")
        if options.max_tokens is not None and self._limit(model, options.max_tokens):
            marks.append(f"tokens={options.max_tokens}")
        if options.truncate_dim is not None and self._truncate(model, options.truncate_dim):
            marks.append(f"dim={options.truncate_dim}")
        self.dimension = self._width()
        self.name = "+".join([name, *marks])

    def passages(self, texts: Sequence[str]) -> Vectors:
        """See Embedder."""
        return self._encode(self._model.encode_document, texts, self._passage_prompt)

    def queries(self, texts: Sequence[str]) -> Vectors:
        """See Embedder."""
        return self._encode(self._model.encode_query, texts, self._query_prompt)

    def _encode(self, encode: Any, texts: Sequence[str], prompt: str) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        rows = encode([clean(text) for text in texts], prompt=prompt, batch_size=self._batch, show_progress_bar=False)
        return unit(np.nan_to_num(np.array(rows, dtype=np.float32), posinf=0.0, neginf=0.0))

    def _prompts(self) -> tuple[str, str]:
        """The model's own for queries and passages, empty where it has none."""
        # encode_document would stop at the empty "document" that every model is given, and never see a "passage".
        prompts = self._model.prompts
        return prompts.get("query") or "", next(filter(None, map(prompts.get, _PASSAGE_PROMPTS)), "")

    def _limit(self, model: str, tokens: int) -> bool:
        """Cuts texts at so many tokens; whether that is another limit than the model's own."""
        own = self._model.max_seq_length
        try:
            self._model.max_seq_length = tokens
        except AttributeError:
            raise InvalidInput(
                f"The embedding model {model!r} takes texts of any length; leave its max_tokens out."
            ) from None
        for prompt in (self._query_prompt, self._passage_prompt):
            if self._model.preprocess([""], prompt=prompt)["input_ids"].shape[-1] >= tokens:
                raise InvalidInput(
                    f"The embedding model {model!r} cannot cut texts at {tokens} tokens, since its prompts and special "
                    "tokens alone are as many; give a larger max_tokens, or shorter prompts."
                )
        if own is not None and tokens > own:  # its positions may reach further than its makers let it read, or not
            try:
                self._encode(self._model.encode_document, ["a " * tokens], self._passage_prompt)
            except (RuntimeError, IndexError) as error:
                raise InvalidInput(
                    f"The embedding model {model!r} cannot read {tokens} tokens at once; give a max_tokens of {own} "
                    "or less."
                ) from error
        return bool(own != tokens)

    def _truncate(self, model: str, numbers: int) -> bool:
        """Keeps so many of a vector's first numbers; whether that is less than the model itself gives."""
        own = self._width()
        self._model.truncate_dim = None
        if numbers > (whole := self._width()):
            raise InvalidInput(
                f"The embedding model {model!r} makes vectors of {whole} numbers; "
                f"give a truncate_dim of {whole} or less."
            )
        self._model.truncate_dim = numbers
        return numbers != own

    def _width(self) -> int:
        return int(self._model.get_embedding_dimension() or self._model.encode(["x"]).shape[1])


def _taking_turns(call: Callable[..., Any]) -> Callable[..., Any]:
    """Fast tokenizers hold their settings in one place and fail where two threads set them at once."""
    lock = threading.Lock()

    def one_at_a_time(*given: Any, **named: Any) -> Any:
        with lock:
            return call(*given, **named)

    return one_at_a_time


def _load(model: str, device: str | None) -> tuple[Any, str]:
    """The model, and its name with what its weights can be told by."""
    import torch
    from sentence_transformers.util import get_device_name
    from transformers.utils import logging

    device = device or get_device_name()
    _check_device(device)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    how: dict[str, Any] = {"device": device, "trust_remote_code": False}
    if torch.device(device).type == "cpu":
        how["model_kwargs"] = {"dtype": torch.float32}  # half precision is slow there, and rougher
    try:
        folder = Path(model)
        if folder.is_dir():
            return _open(model, how), f"{folder.resolve().name}@{hash_files(folder)[:12]}"
        return _from_hub(model, how)
    except InvalidInput:
        raise
    except Exception as error:  # what is raised depends on the model and on the libraries below
        said = " ".join(str(error).split())
        if "trust_remote_code" in said:
            raise InvalidInput(
                f"The embedding model {model!r} comes with code of its own, which is never run here; "
                "choose one that sentence-transformers loads without."
            ) from error
        raise InvalidInput(
            f"The embedding model {model!r} cannot be loaded: {said[:300]} "
            "Name a folder made by SentenceTransformer.save or a hub id that can be reached, "
            "or leave the setting out to use the shipped model."
        ) from error


def _open(model: str, how: dict[str, Any], **where: Any) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(model, **how, **({"local_files_only": True} | where))


def _from_hub(model: str, how: dict[str, Any]) -> tuple[Any, str]:
    """By the commit that the local cache holds, without asking the hub, unless a part of it is missing there."""
    from huggingface_hub import constants, try_to_load_from_cache
    from huggingface_hub.file_download import repo_folder_name
    from huggingface_hub.utils import enable_progress_bars  # type: ignore[attr-defined]

    repository = model if "/" in model else f"sentence-transformers/{model}"
    cache = Path(constants.HF_HUB_CACHE)
    main = cache / repo_folder_name(repo_id=repository, repo_type="model") / "refs" / "main"
    how = how | {"cache_folder": str(cache)}

    def known(file: str, commit: str) -> bool:
        """Whether the cache has the file, or knows that there is none."""
        return try_to_load_from_cache(repository, file, cache_dir=cache, revision=commit) is not None

    commit = main.read_text(encoding="utf-8").strip() if main.is_file() else ""
    # Without the first the model would be taken for one of another kind, and give other vectors, silently.
    parts = ["modules.json"] if constants.HF_HUB_OFFLINE else ["modules.json", "config_sentence_transformers.json"]
    if commit and all(known(part, commit) for part in parts):
        try:
            return _open(repository, how, revision=commit), f"{model}@{commit[:12]}"
        except OSError:  # a file is missing
            if constants.HF_HUB_OFFLINE:
                raise
    if constants.HF_HUB_OFFLINE:
        raise OSError("it is not in the local cache of hub models, or not whole, and the hub must not be asked.")
    if sys.stderr.isatty() and not constants.HF_HUB_DISABLE_PROGRESS_BARS:
        enable_progress_bars()  # gigabytes may be on their way
    loaded = _open(repository, how, local_files_only=False)
    return loaded, f"{model}@{main.read_text(encoding='utf-8').strip()[:12]}"


def _check_device(device: str) -> None:
    import torch

    try:
        torch.zeros(1, device=device).cpu()
    except Exception as error:  # another one for each kind of device
        raise InvalidInput(
            f"There is no device {device!r} to embed on ({str(error).splitlines()[0][:100]}); "
            "name another, or leave it out."
        ) from error
