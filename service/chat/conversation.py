"""What a front end's messages ask: a question and the turns before it, in sizes that the engine takes."""

from collections.abc import Sequence
from dataclasses import dataclass

from rag.types import Turn
from service.chat.schemas import Message
from service.chat.writing import HEADING
from service.fields import without_controls

MOST_TURNS = 20
LONGEST_QUESTION, LONGEST_TURN = 2000, 4000  # characters


@dataclass(frozen=True, slots=True)
class Conversation:
    """``question`` is empty where nothing is asked in words; ``characters`` counts all that was sent."""

    question: str
    history: tuple[Turn, ...]
    characters: int


def read(messages: Sequence[Message]) -> Conversation:
    """The last message of the user, and what was said before it. Messages of other roles are passed by.

    What is too long is cut: the question keeps its end, where people ask after what they pasted; a turn its beginning.
    """
    turns = [Turn("user" if each.role == "user" else "assistant", words(each)) for each in messages if _said(each)]
    asked = max((at for at, turn in enumerate(turns) if turn.role == "user"), default=None)
    characters = sum(len(words(each)) for each in messages)
    if asked is None:
        return Conversation("", (), characters)
    before = [turn for turn in turns[:asked] if turn.content][-MOST_TURNS:]
    history = tuple(Turn(turn.role, _own(turn)[:LONGEST_TURN]) for turn in before)
    return Conversation(turns[asked].content[-LONGEST_QUESTION:].strip(), history, characters)


def words(message: Message) -> str:
    """The text of a message, of its parts those of text, without control characters."""
    content = message.content
    if isinstance(content, list):
        parts = [part if isinstance(part, str) else part.get("text") for part in content]
        content = "\n".join(part for part in parts if isinstance(part, str))
    return without_controls(content or "").strip()


def _said(message: Message) -> bool:
    return message.role in ("user", "assistant")


def _own(turn: Turn) -> str:
    """A turn without the list of sources that stood under an answer."""
    return turn.content.partition(f"\n{HEADING}")[0].rstrip() if turn.role == "assistant" else turn.content
