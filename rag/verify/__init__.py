"""Answers checked against the passages they cite, whoever wrote them."""

from rag.verify.check import Checked, Checker, Dropped, Kept, check
from rag.verify.quotes import Quote
from rag.verify.source import Passage

__all__ = ["Checked", "Checker", "Dropped", "Kept", "Passage", "Quote", "check"]
