"""Looks at a folder as a user does: every document once, as written; nothing that is gone; every citation exact."""

from pathlib import Path

from crash.book import Book, Wrong
from crash.corpus import Content, content, document, number, numbers, question
from crash.engine import opened
from rag import maintenance
from rag.engine import Engine
from rag.types import Citation, Hit

LEFT = "it is not complete"  # what ``verify`` says of a folder that a killed write left, which harms nothing


def opens(vectors: Path, book: Book, *, harmed: str = "") -> dict[str, Content]:
    """Opens the folder without any repair, looks at all of it, writes, verifies, and opens it once more.

    Args:
        vectors: the folder.
        book: what must be there.
        harmed: an earlier generation that is known to be damaged.

    Returns:
        the documents that were there when it was opened.

    Raises:
        Wrong: something is not as it was acknowledged.
    """
    engine = opened(vectors)
    try:
        sound(engine)
        found = look(engine, book)
        extra = document("later", 1)
        engine.add([extra])
        first_is(engine, "later", content(extra))
    finally:
        engine.close()
    for each in maintenance.verify(vectors):
        if each.fault and not each.fault.startswith(LEFT) and each.name != harmed:
            raise Wrong(f"verify: {each.name}: {each.fault}")
    engine = opened(vectors)
    try:
        sound(engine)
        Book({**found, "later": content(extra)}).check(listed(engine))
        first_is(engine, "later", content(extra))
    finally:
        engine.close()
    return found


def sound(engine: Engine) -> None:
    """Raises Wrong where something was found damaged."""
    if engine.degraded is not None:
        raise Wrong(f"degraded: {engine.degraded}")


def look(engine: Engine, book: Book) -> dict[str, Content]:
    """Reads and searches everything, and asks for one document; gives all. Raises Wrong."""
    found = listed(engine)
    book.check(found)
    if engine.stats().documents != len(found):
        raise Wrong(f"the index holds {engine.stats().documents} documents, the record {len(found)}")
    for id, one in found.items():
        first_is(engine, id, one)
    there = {n for one in found.values() for n in numbers(one)}
    for gone in sorted(book.seen - there):
        for hit in engine.search(f"登记编号为{gone}", top_k=3):
            exact(hit, hit.text, found)
            if gone in hit.text:
                raise Wrong(f"number {gone} of a document that is gone is still found, in {hit.document_id}")
    if found:
        id = sorted(found)[book.done % len(found)]
        answer = engine.ask(question(found[id]))
        if not any(c.document_id == id for c in answer.citations):
            raise Wrong(f"asked for {id}: {answer.text!r}, citing {[c.document_id for c in answer.citations]}")
        for citation in answer.citations:
            exact(citation, citation.quote, found)
    return found


def listed(engine: Engine) -> dict[str, Content]:
    """All documents, page by page, read one by one. Raises Wrong for one that stands there twice."""
    found: dict[str, Content] = {}
    cursor: str | None = None
    while True:
        page, cursor = engine.documents(cursor=cursor, limit=5)
        for each in page:
            if each.id in found:
                raise Wrong(f"{each.id} is listed twice")
            found[each.id] = content(engine.document(each.id))
        if cursor is None:
            return found


def first_is(engine: Engine, id: str, wanted: Content) -> None:
    """Raises Wrong unless a search for a document's number finds it before all others, once, and quotes it exactly."""
    hits = engine.search(f"登记编号为{(numbers(wanted) or [number(id, 1)])[0]}", top_k=3)
    if not hits or hits[0].document_id != id:
        raise Wrong(f"{id} is not found by its number, but {[hit.document_id for hit in hits]}")
    if len({hit.chunk_id for hit in hits}) != len(hits):
        raise Wrong(f"a passage is found twice: {[hit.chunk_id for hit in hits]}")
    exact(hits[0], hits[0].text, {id: wanted})


def exact(place: Hit | Citation, quote: str, found: dict[str, Content]) -> None:
    """Raises Wrong where a quote is not what the document says in that place."""
    if place.document_id not in found:
        raise Wrong(f"{place.document_id} is quoted, and is no document")
    if found[place.document_id][1][place.start : place.end] != quote:
        raise Wrong(f"{place.document_id} is quoted wrongly: {quote!r}")
