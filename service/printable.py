"""Text as a terminal or a log may show it: without the characters that would steer them."""

import re

# C0 but for tab and line feed, DEL, C1, line separators, lone surrogates, and what turns the direction of writing.
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff\ufff9-\ufffb]"
)


def make_printable(text: str) -> str:
    """Return ``text`` with U+FFFD in place of each character that a terminal would obey instead of showing it."""
    return _STEERING.sub("\ufffd", text)


def make_one_line(text: str) -> str:
    r"""Return ``text`` printable and without line breaks, which are shown as ``\n``: nothing can forge a line."""
    return make_printable(text).replace("\n", "\\n")


def escape_json(text: str) -> str:
    r"""Return JSON ``text`` with each such character as ``\uXXXX``: it prints safely and says the same."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
