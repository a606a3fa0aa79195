"""A question as the rules make it."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["number", "date", "list", "name", "who", "place", "reason", "what"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in its parts: ``words`` are those that ask, in place of ``answer``."""

    kind: Kind
    before: str
    words: str
    after: str
    answer: str
