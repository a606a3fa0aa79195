"""Whether passages are on the topic of a question at all: its words alone tell, before an answer is looked for."""

from collections.abc import Mapping, Sequence

from rag.answer.rarity import Weight
from rag.answer.terms import headed, question_terms, terms
from rag.types import Document, Hit

KNOWN = 0.5  # share of the question's words, by weight, that a passage on the topic holds


def on_topic(question: str, hits: Sequence[Hit], documents: Mapping[str, Document], weight: Weight) -> bool:
    """Whether one of the passages ``hits``, with its title, holds at least ``KNOWN`` of the question's words."""
    weights = {word: weight(word) for word in question_terms(question).words}
    enough = KNOWN * sum(weights.values())
    for hit in hits:
        document = documents[hit.document_id]
        held = terms(hit.text, document.published).words | terms(headed(document)).words
        if weights and sum(weights[word] for word in weights.keys() & held) >= enough:
            return True
    return False
