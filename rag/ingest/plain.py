"""Plain text and Markdown to documents."""

from rag.ingest import dates, fields, furniture, web_fields
from rag.ingest import markdown as front_matter
from rag.ingest.clean import canonical
from rag.ingest.decode import decode
from rag.types import Document


def plain(data: bytes, name: str, stem: str) -> Document:
    """Return the document, without id, of a text file. Raises InvalidInput for bytes that are no certain text."""
    page = furniture.strip(canonical(decode(data, name)))
    author = fields.author_of(page.text)
    return Document(
        id="",
        text=page.text,
        title=page.title or fields.title_of(page.text, stem),
        source=fields.source_of(page.text),
        published=fields.published_of(page.text),
        metadata={"author": author} if author else {},
    )


def markdown(data: bytes, name: str, stem: str) -> Document:
    """Return the document, without id, of a Markdown file. Raises InvalidInput for bytes that are no certain text."""
    body, front = front_matter.split(decode(data, name).replace("\r\n", "\n").replace("\r", "\n"))
    body = canonical(body, indented=True)
    date = next((front[name] for name in ("date", "published", "日期") if name in front), "")
    author = front.get("author") or front.get("作者") or fields.author_of(body)
    url = front.get("url", "")
    return Document(
        id="",
        text=body,
        title=front.get("title")
        or front.get("标题")
        or front_matter.first_heading(body)
        or fields.title_of(body, stem),
        source=front.get("source") or front.get("来源") or fields.source_of(body),
        url=url if web_fields.is_url(url) else None,
        published=dates.first(date) or fields.published_of(body),
        metadata={"author": author} if author else {},
    )
