"""What is said where no answer is given."""

from rag.question import Language
from rag.types import Reason

_REFUSALS: dict[str, dict[Reason, str]] = {
    "zh": {
        "no_topic": "文档中没有与这个问题相关的内容。",
        "no_answer": "文档中提到了相关内容，但没有说明这一点。",
        "small_talk": "你好！请直接提问，我根据文档回答，并注明出处。",
    },
    "zh-Hant": {
        "no_topic": "文件中沒有與這個問題相關的內容。",
        "no_answer": "文件中提到了相關內容，但沒有說明這一點。",
        "small_talk": "你好！請直接提問，我根據文件回答，並註明出處。",
    },
    "en": {
        "no_topic": "The documents hold nothing on this question.",
        "no_answer": "The documents touch on this, but do not say.",
        "small_talk": "Hello! Just ask: I answer from the documents and cite them.",
    },
}


def word_refusal(language: Language, reason: Reason) -> str:
    """Return the sentence that refuses, in the language of the question."""
    return _REFUSALS[language][reason]
