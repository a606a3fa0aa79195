"""The one way by which the commands print: documents, file names and messages cannot steer the terminal."""

import json
from typing import Any

import typer

from service.printable import escape_json, make_one_line, make_printable


def say(text: object = "", *, err: bool = False) -> None:
    """Print a text, with U+FFFD in place of what a terminal would obey."""
    typer.echo(make_printable(str(text)), err=err)


def say_line(text: object, *, err: bool = False) -> None:
    """Print a text as one line, whatever names and titles in it hold."""
    typer.echo(make_one_line(str(text)), err=err)


def say_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value as JSON; characters that a terminal would obey are escaped, so that the value stays the same."""
    typer.echo(escape_json(json.dumps(value, ensure_ascii=False, indent=indent, default=dict)))
