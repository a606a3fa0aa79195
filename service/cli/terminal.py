"""What reaches a terminal: text without the characters that would steer it."""

import re

import typer

# C0 but for tab and line feed, DEL, C1, lone surrogates, and what turns the direction of writing.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def make_printable(text: str) -> str:
    """Return ``text`` with U+FFFD in place of each character that a terminal would obey instead of showing it."""
    return _STEERING.sub("\ufffd", text)


def say(text: object = "", *, err: bool = False) -> None:
    """Print a line; documents, file names and messages cannot steer the terminal by it."""
    typer.echo(make_printable(str(text)), err=err)
