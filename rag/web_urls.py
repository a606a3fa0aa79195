"""Addresses of documents: only those that lead to the web are told."""

import re
from urllib.parse import urlsplit

_WEB = re.compile(r"https?://[^\s/?#\\]", re.I)
_AUTHORITY_END = re.compile(r"[/?#]")
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def is_web_url(url: str) -> bool:
    """Say whether an address begins with http:// or https:// and a host, and holds no character that is not seen."""
    if _WEB.match(url) is None or _UNSEEN.search(url) is not None:
        return False
    host = _AUTHORITY_END.split(url.split("://", 1)[1], maxsplit=1)[0]
    if "\\" in host or any(character.isspace() for character in host):
        return False  # browsers and programs disagree on where such an address leads
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.port is None or parts.port >= 0)
    except ValueError:  # half a bracket, a port that is none
        return False


def keep_web_url(url: str | None) -> str | None:
    """Return the address, or None where a browser could run it or read files by it (``javascript:``, ``file:``)."""
    return url if url is not None and is_web_url(url) else None
