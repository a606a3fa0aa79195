"""Writes a table of rows as a stock sentence-transformers model, small enough for a repository."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import Tokenizer


def write(tokenizer: Tokenizer, table: NDArray[np.float32], folder: Path) -> None:
    """Save tokenizer and rows ``(v, d)`` so that ``SentenceTransformer(folder)`` loads them.

    The rows are kept as int8 with one float32 weight a row, the "embeddings" and "weights" of model2vec's format,
    which the stock ``StaticEmbedding`` multiplies out to float32 when it loads them: a quarter of the size, and a
    row's error is at most 1/254 of its largest number. ``rag.json``
    tells ``rag.embed`` to fold texts first. A README.md that is there already stays as it is.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding

    folder.mkdir(parents=True, exist_ok=True)
    model = SentenceTransformer(
        modules=[StaticEmbedding(tokenizer, embedding_weights=table), Normalize()], device="cpu"
    )
    model.save(str(folder), create_model_card=False)
    weights = (np.abs(table).max(axis=1) / 127).astype(np.float32)
    rows = np.rint(table / np.where(weights > 0, weights, 1)[:, None]).astype(np.int8)
    save_file({"embeddings": rows, "weights": weights}, folder / "model.safetensors")
    (folder / "model.safetensors").chmod(0o644)
    (folder / "rag.json").write_text(json.dumps({"fold": True}) + "\n", encoding="utf-8")
