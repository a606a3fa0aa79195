"""Addresses of documents: only those that lead to the web are told."""

import re

_WEB = re.compile(r"https?://[^\s/?#\\@]", re.I)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def is_web_url(url: str) -> bool:
    """Say whether an address begins with http:// or https:// and a host, and holds no control character."""
    return _WEB.match(url) is not None and _UNSAFE.search(url) is None


def keep_web_url(url: str | None) -> str | None:
    """Return the address, or None where a browser could run it or read files by it (``javascript:``, ``file:``)."""
    return url if url is not None and is_web_url(url) else None
