"""HTML files to documents: the character set, the article, its fields."""

import email
import email.policy
import re

from rag.errors import InvalidInput
from rag.ingest import fields, furniture, web, web_fields
from rag.ingest.clean import canonical
from rag.ingest.decode import decode
from rag.types import Document

_CHARSET = re.compile(
    rb"<(?:meta\b[^>]{0,300}?\bcharset|\?xml\b[^>]{0,100}?\bencoding)\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.I
)
_HEAD = 16_384  # bytes among which a page names its character set


def html(data: bytes, name: str, stem: str) -> Document:
    """Return the document, without id, of a saved page. Raises InvalidInput where none can be read."""
    return _document(decode(data, name, _declared(data)), name, stem, None)


def mhtml(data: bytes, name: str, stem: str) -> Document:
    """Return the document, without id, of a page that was saved with all its parts as one file (MHTML)."""
    message = email.message_from_bytes(data, policy=email.policy.compat32)
    for part in message.walk():
        if part.get_content_type() in ("text/html", "application/xhtml+xml"):
            body = part.get_payload(decode=True)
            if not isinstance(body, bytes):
                break
            charset = part.get_content_charset()
            declared = ([charset] if charset else []) + _declared(body)
            address = part.get("Content-Location") or message.get("Snapshot-Content-Location") or ""
            return _document(decode(body, name, declared), name, stem, str(address).strip())
    raise InvalidInput(f"{name}: no page is in this file; save the page again, as HTML")


def _declared(data: bytes) -> list[str]:
    return [match[1].decode("ascii") for match in _CHARSET.finditer(data[:_HEAD])]


def _document(page: str, name: str, stem: str, address: str | None) -> Document:
    article = web.extract(page, name)
    given = article.fields
    stripped = furniture.strip(canonical(article.text, indented=True))
    text = stripped.text
    author = given.author or fields.author_of(text)
    url = given.url or (address if address and web_fields.is_url(address) else None)
    return Document(
        id="",
        text=text,
        title=given.title or stripped.title or fields.title_of(text, stem),
        source=fields.source_of(text) or given.source or given.site,
        url=url,
        published=given.published or fields.published_of(text),
        metadata={"author": author} if author else {},
    )
