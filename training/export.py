"""Writes a table of rows as a stock sentence-transformers model, small enough for a repository."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer


def write(tokenizer: Tokenizer, table: NDArray[np.float32], folder: Path, learnt: int, gain: int) -> None:
    """Save tokenizer and rows ``(v, d)`` so that ``SentenceTransformer(folder)`` loads them.

    The modules are StaticEmbedding (the mean of rows), Normalize, a Router and Normalize. The Router leaves queries as
    they are and sends passages through Dense: ``gain`` times each number, then softsign. The rows are kept as int8 with
    one float32 weight a row, the "embeddings" and "weights" of model2vec's format, which the stock ``StaticEmbedding``
    multiplies out to float32 when it loads them: a quarter of the size, and a row's error is at most 1/254 of its
    largest number. ``rag.json`` says how many numbers at the end of a row were ``learnt``. A README.md that is there
    already stays as it is.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Router, StaticEmbedding

    folder.mkdir(parents=True, exist_ok=True)
    dimension = table.shape[1]
    press = Dense(
        dimension, dimension, bias=False, activation_function=torch.nn.Softsign(),
        init_weight=torch.eye(dimension) * gain,
    )  # fmt: skip
    modules: list[torch.nn.Module] = [
        StaticEmbedding(tokenizer, embedding_weights=table),
        Normalize(),
        # A route must have a module: that of queries has one that changes nothing.
        Router.for_query_document([Normalize()], [press], default_route="document"),
        Normalize(),
    ]
    SentenceTransformer(modules=modules, device="cpu").save(str(folder), create_model_card=False)
    weights = (np.abs(table).max(axis=1) / 127).astype(np.float32)
    rows = np.rint(table / np.where(weights > 0, weights, 1)[:, None]).astype(np.int8)
    _save({"embeddings": rows, "weights": weights}, folder / "model.safetensors")
    (folder / "rag.json").write_text(json.dumps({"learnt": learnt}) + "\n", encoding="utf-8")
    # Its numbers are whole: int8 holds them in a quarter of the room.
    (dense,) = folder.glob("*_Router/*_Dense/model.safetensors")
    _save({name: tensor.astype(np.int8) for name, tensor in load_file(dense).items()}, dense)


def _save(tensors: dict[str, NDArray[np.generic]], path: Path) -> None:
    save_file(tensors, path)
    path.chmod(0o644)
