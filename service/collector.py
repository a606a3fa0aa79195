"""Lines of a batch become blocks of documents, which are stored; what is no document is noted and passed by."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from rag.errors import InvalidInput
from rag.types import Document
from service import body, convert
from service.problems import faults, summary
from service.schemas import DocumentIn, RefusedLine

if TYPE_CHECKING:
    from rag.engine import Engine

BLOCK_DOCUMENTS = 256
BLOCK_CHARACTERS = 4_000_000
MOST_REFUSED = 10_000

Block = Sequence[tuple[int, Document]]  # documents with the numbers of their lines, ascending


class Collector:
    """Collects the documents of one batch and counts what becomes of them."""

    def __init__(self, longest: int) -> None:
        """``longest`` is the most bytes a line may have."""
        self.added = self.unchanged = 0
        self.refused: list[RefusedLine] = []
        self._longest = longest
        self._block: dict[str, tuple[int, Document]] = {}
        self._characters = 0

    def take(self, number: int, line: bytes | None) -> Iterator[Block]:
        """Takes a line in; gives the blocks that are full with it. ``None`` is a line that was too long.

        Raises InvalidInput where most of what comes is no document.
        """
        given: Any = None
        try:
            if line is None:
                raise InvalidInput(f"the line is longer than {self._longest} bytes; split the document")
            given = body.parse(line, "the line")
            document = convert.to_document(DocumentIn.model_validate(given))
        except InvalidInput as error:
            self.refuse(number, _readable_id(given), str(error))
        except ValidationError as error:
            found = faults(error.errors(include_url=False, include_input=False))
            self.refuse(number, _readable_id(given), summary(found, error.error_count()))
        else:
            yield from self.put(number, document)

    def put(self, number: int, document: Document) -> Iterator[Block]:
        """Takes a document in; gives the blocks that are full with it."""
        if document.id in self._block:
            yield from self.rest()  # the later line replaces the earlier one, as it would in another batch
        self._block[document.id] = number, document
        self._characters += len(document.text)
        if len(self._block) >= BLOCK_DOCUMENTS or self._characters >= BLOCK_CHARACTERS:
            yield from self.rest()

    def rest(self) -> Iterator[Block]:
        """What was taken in and not given yet, as one block."""
        block, self._block, self._characters = list(self._block.values()), {}, 0
        if block:
            yield block

    def store(self, engine: "Engine", block: Block) -> None:
        """Adds a block to the engine; where it does not take one of the documents, one by one."""
        try:
            self._add(engine, block)
        except InvalidInput:
            for each in block:
                try:
                    self._add(engine, [each])
                except InvalidInput as error:
                    self.refuse(each[0], each[1].id, str(error))

    def _add(self, engine: "Engine", block: Block) -> None:
        report = engine.add([document for _, document in block])
        self.added += len(report.added)
        self.unchanged += len(report.unchanged)

    def refuse(self, number: int, id: str | None, detail: str) -> None:
        """Notes what is no document. Raises InvalidInput where there are too many."""
        if len(self.refused) >= MOST_REFUSED:
            raise InvalidInput(
                f"more than {MOST_REFUSED} lines are not documents, the last of them line {number}; every line must "
                f"hold one JSON object with a text. Documents of earlier lines may have been added"
            )
        self.refused.append(RefusedLine(line=number, id=id, detail=detail))


def _readable_id(given: Any) -> str | None:
    """The id of a line that is refused, where it is one."""
    id = given.get("id") if isinstance(given, dict) else None
    return id[:200] if isinstance(id, str) else None
