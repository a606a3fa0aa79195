"""What an operator can set of an embedding model beside which one it is."""

import re
from dataclasses import dataclass

from rag.errors import InvalidInput

_DEVICE = re.compile(r"[a-z]+(:\d+)?")


@dataclass(frozen=True, slots=True)
class Options:
    """Each is as the model says where it is None. Raises InvalidInput for what no model can take.

    Prompts, length limit and ``truncate_dim`` change vectors, and so ``Embedder.name``; batch size and device do not.
    """

    query_prompt: str | None = None
    """What stands before a question when it is embedded; ``""`` for nothing."""
    passage_prompt: str | None = None
    """The same for passages."""
    max_tokens: int | None = None
    """Tokens from which on a text is cut, prompt and special tokens included."""
    truncate_dim: int | None = None
    """How many of a vector's first numbers are kept, for models that were trained to bear it."""
    batch_size: int | None = None
    """Texts that are computed at a time."""
    device: str | None = None
    """``cpu``, ``cuda``, ``cuda:1``, ``mps`` …; an accelerator where there is one by default."""

    def __post_init__(self) -> None:
        """Checks what can be checked without a model."""
        for name in ("max_tokens", "truncate_dim", "batch_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InvalidInput(f"The embedding model's {name} is {value}; give 1 or more, or leave it out.")
        if self.device is not None and not _DEVICE.fullmatch(self.device):
            raise InvalidInput(f"{self.device!r} is no device to embed on; name one as cpu, cuda, cuda:1 or mps.")

    @property
    def plain(self) -> bool:
        """Whether vectors are as the model alone makes them."""
        return not (self.query_prompt or self.passage_prompt or self.max_tokens or self.truncate_dim)
