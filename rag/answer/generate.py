"""What a language model is given to write an answer from: a prompt, passages as numbered quotations, the question.

Nothing here talks to a model. What it writes is held to the same passages by ``rag.verify``.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.errors import InvalidInput
from rag.question import Query
from rag.types import Hit
from rag.verify.injected import without_instructions

PROMPTS = Path(__file__).parents[1] / "prompts"
BUDGET = 6000  # characters of all passages
NO_ANSWER = "NO_ANSWER"
_LEAST = 80  # characters of a passage that are worth being given
_TAGS = str.maketrans("<>", "＜＞")


@dataclass(frozen=True, slots=True)
class Prompts:
    """By language, "zh" and "en", what the system says, and what the user does with {passages} and {question}."""

    system: dict[str, str]
    user: dict[str, str]


def load_prompts(folder: Path | None = None) -> Prompts:
    """The prompts of a folder, ``zh.system.md``, ``zh.user.md`` and the same with ``en``; a file that is not there is
    taken from those that come along. Raises InvalidInput for a user's prompt that lacks a place, or is not UTF-8."""
    texts: dict[str, dict[str, str]] = {"system": {}, "user": {}}
    for part, by_language in texts.items():
        for language in ("zh", "en"):
            own = folder / f"{language}.{part}.md" if folder else None
            path = own if own and own.is_file() else PROMPTS / f"{language}.{part}.md"
            try:
                text = path.read_text(encoding="utf-8").strip()
            except UnicodeDecodeError as error:
                raise InvalidInput(f"The prompt {path} is not UTF-8 ({error}); convert it.") from None
            if part == "user" and not ("{passages}" in text and "{question}" in text):
                raise InvalidInput(f"The prompt {path} needs the places {{passages}} and {{question}}; write both.")
            by_language[language] = text
    return Prompts(texts["system"], texts["user"])


def messages(query: Query, hits: Sequence[Hit], prompts: Prompts, budget: int = BUDGET) -> list[dict[str, str]]:
    """The messages of a chat: ``query`` is resolved, so that no history is needed; ``hits`` are numbered from 1.

    Passages beyond ``budget`` characters in all are cut or left out, the last ones first; orders to a language model
    that stand in them are left out.
    """
    language = "en" if query.language == "en" else "zh"
    parts, left = [], budget
    for number, hit in enumerate(hits, 1):
        text = _quoted(without_instructions(hit.text)).strip()
        if len(text) > left and left < _LEAST:
            break
        head = "".join(
            f' {name}="{_attribute(value)}"'
            for name, value in (("title", hit.title), ("source", hit.source), ("date", hit.published))
            if value
        )
        parts.append(f'<passage n="{number}"{head}>\n{text[:left]}\n</passage>')
        left -= len(text)
        if left <= 0:
            break
    places = {"{passages}": "\n\n".join(parts), "{question}": _quoted(query.text)}
    user = re.sub(r"\{(?:passages|question)\}", lambda m: places[m[0]], prompts.user[language])
    return [{"role": "system", "content": prompts.system[language]}, {"role": "user", "content": user}]


def _quoted(text: str) -> str:
    """The text without characters that are not seen, and without tags, which could end the quotation."""
    seen = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs"))
    return seen.translate(_TAGS)


def _attribute(value: str) -> str:
    return _quoted(without_instructions(value)).replace('"', "”").replace("\n", " ")[:200]
