"""Texts to vectors: static models with tokenizers and NumPy, any other through sentence-transformers."""

from pathlib import Path

from rag.embed.base import Embed, Embedder, Vectors
from rag.embed.options import Options
from rag.embed.static import StaticEmbedder, is_static
from rag.embed.transformer import TransformerEmbedder
from rag.errors import InvalidInput

__all__ = ["SHIPPED", "Embed", "Embedder", "Options", "StaticEmbedder", "TransformerEmbedder", "Vectors", "load"]

SHIPPED = Path(__file__).parents[1] / "models" / "chengyu-static-zh-v3"


def load(model: str | None = None, options: Options | None = None) -> Embedder:
    """Load the shipped model (``None``), a model folder, or a model of the Hugging Face hub by its id.

    A folder that holds a static model (the mean of token rows) needs no torch unless ``options`` change its vectors;
    all else is loaded by sentence-transformers, without code that comes with a model. Raises InvalidInput where that
    does not work.
    """
    options = options or Options()
    folder = SHIPPED if model is None else Path(model)
    if folder.is_dir():
        if options.plain and is_static(folder):
            return StaticEmbedder(folder)
        return TransformerEmbedder(str(folder), options)
    if model is None or folder.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1:
        raise InvalidInput(f"There is no embedding model at {folder}; name a model folder, or the id of a hub model.")
    return TransformerEmbedder(model, options)
