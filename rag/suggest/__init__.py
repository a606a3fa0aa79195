"""Questions that the documents can answer, for those who do not know what to ask: ``suggest`` chooses them."""

from rag.suggest.choose import Suggested, suggest

__all__ = ["Suggested", "suggest"]
