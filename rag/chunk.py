"""Documents to chunks: exact spans, cut along headings, paragraphs and sentences."""

from dataclasses import dataclass

from rag.outline import Break, outline
from rag.text import clauses, sentences
from rag.types import Chunk, Document

LIMIT = 500  # characters; no chunk is longer
BUDGET = 400  # what a chunk is filled up to
OVERLAP = 80  # of whole sentences that a chunk repeats from the one before, within a section
SMALL = 150  # a section shorter than this is joined by the next one
ALONE = 40  # what is shorter than this is joined by what follows, of whatever kind
CHUNKER = f"sentences-1/{LIMIT}-{BUDGET}-{OVERLAP}-{SMALL}-{ALONE}"


_WITHIN = (Break.SENTENCE, Break.PARAGRAPH)


@dataclass(slots=True)
class _Atom:
    """What is never divided between chunks."""

    start: int
    end: int
    rank: Break  # before it
    headings: tuple[str, ...]


def chunk(document: Document) -> list[Chunk]:
    """Return the chunks of a document, in order; together they hold every character that is not white space.

    Each is ``document.text[start:end]``, at most 500 characters, and begins and ends with a sentence where sentences
    allow it. A heading stands at the beginning of what it heads, never at the end of a chunk. ``context`` holds the
    title and the headings in force where the chunk begins. Linear in the length of the text.
    """
    atoms = _atoms(document)
    if not atoms:
        return []
    if atoms[-1].end - atoms[0].start <= LIMIT:
        return [_chunk(document, atoms)]
    chunks: list[Chunk] = []
    first, stop = 0, _stop(atoms, 0)
    while True:
        chunks.append(_chunk(document, atoms[first:stop]))
        if stop == len(atoms):
            return chunks
        first, last = _with_overlap(atoms, first, stop), stop
        stop = _stop(atoms, first)
        if stop <= last:  # what is begun with leaves no room for anything new: a heading and its text come next
            first, stop = last, _stop(atoms, last)


def _chunk(document: Document, atoms: list[_Atom]) -> Chunk:
    start, end = atoms[0].start, atoms[-1].end
    below = 0  # the first line that is no heading, where the chunk begins with headings
    while below + 1 < len(atoms) and atoms[below + 1].rank is Break.NEVER:
        below += 1
    headings = [heading for heading in atoms[below].headings if heading != document.title]
    context = "\n".join(part for part in (document.title, *headings) if part)
    return Chunk(f"{document.id}:{start}-{end}", document.id, start, end, document.text[start:end], context)


def _stop(atoms: list[_Atom], first: int) -> int:
    """The atom before which the chunk that begins at ``first`` ends: at the end of its section if that fits.

    Otherwise at the strongest break in the second half of the budget, the last of equals.
    """
    begin = atoms[first].start
    best = first + 1
    best_key = (-1, -1)
    for number in range(first + 1, len(atoms) + 1):
        size = atoms[number - 1].end - begin
        if size > LIMIT and number > first + 1:
            break
        if number == len(atoms):
            return number
        rank = atoms[number].rank
        if (rank is Break.BLOCK and size >= ALONE) or (rank >= Break.SECTION and size >= SMALL):
            return number
        filled = rank > Break.NEVER and size <= BUDGET
        key = (rank + 2 if filled and 2 * size >= BUDGET else int(filled) + int(rank > Break.NEVER), number)
        if key >= best_key:
            best, best_key = number, key
    return best


def _with_overlap(atoms: list[_Atom], first: int, stop: int) -> int:
    """The atom at which the next chunk begins: ``stop``, or earlier by whole sentences of the same section."""
    begin = stop
    while (
        begin - 1 > first
        and atoms[begin].rank in _WITHIN
        and atoms[begin - 1].rank in _WITHIN
        and atoms[begin - 1].headings == atoms[stop].headings
        and atoms[stop - 1].end - atoms[begin - 1].start <= OVERLAP
        and atoms[stop].end - atoms[begin - 1].start <= BUDGET
    ):
        begin -= 1
    return begin


def _atoms(document: Document) -> list[_Atom]:
    atoms: list[_Atom] = []
    for line in outline(document):
        rank = line.rank
        if line.packed:
            atoms.append(_Atom(line.start, line.end, rank, line.headings))
            continue
        for start, end in _pieces(document.text, line.start, line.end, min(BUDGET, LIMIT - line.headed)):
            atoms.append(_Atom(start, end, rank, line.headings))
            rank = Break.SENTENCE
    return atoms


def _pieces(text: str, start: int, end: int, room: int) -> list[tuple[int, int]]:
    """The sentences of a line; one longer than ``room`` in parts, cut at clauses where it has them."""
    pieces: list[tuple[int, int]] = []
    for begin, stop in sentences(text, start, end):
        if stop - begin <= room:
            pieces.append((begin, stop))
            continue
        left = right = begin
        for _, cut in clauses(text, begin, stop):
            if cut - left > room and right > left:
                pieces.append((left, right))
                left = right
            while cut - left > room:
                pieces.append((left, left + room))
                left += room
            right = cut
        pieces.append((left, right))
    return [piece for piece in (_trimmed(text, *piece) for piece in pieces) if piece[0] < piece[1]]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
