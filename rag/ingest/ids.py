"""Ids of documents: a seed's from its path, any other's from its content."""

import hashlib
import json
import os

from rag.types import Document

CONTENT = ("text", "title", "source", "url", "published", "metadata")
_ID_LIMIT = 200


def content_id(document: Document) -> str:
    """Return ``doc-`` and 24 hex digits of the SHA-256 of all that a document says.

    The same content always has the same id; the same text under another title has another. Fields that are empty count
    as absent. Raises TypeError for metadata that is no JSON.
    """
    content = {name: value for name in CONTENT if (value := getattr(document, name))}
    if "metadata" in content:
        content["metadata"] = dict(content["metadata"])
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    return f"doc-{hashlib.sha256(text.encode('utf-8')).hexdigest()[:24]}"


def seed_id(name: str) -> str:
    """Return the document id for a path relative to the seeds folder: ``/`` as ``:``, at most 200 characters.

    A name that would be too long, that has control characters or could be taken for another path gets a hash at its
    end, so that ids stay unique.
    """
    plain = name.replace("/", ":")
    clean = "".join(char if char.isprintable() else "_" for char in plain)
    if clean == plain and ":" not in name and len(plain) <= _ID_LIMIT:
        return plain
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    return f"{clean[: _ID_LIMIT - 17]}~{digest}"
