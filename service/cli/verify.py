"""Check an answer against the passages it cites."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.common import AsJson, readable_errors
from service.cli.terminal import say, say_json

if TYPE_CHECKING:
    from rag.verify import Checked
    from rag.verify.passages import Text


def verify(
    answer: Annotated[
        str, typer.Option("--answer", help="File of the answer with its [n]; - reads it from the input.")
    ],
    passages: Annotated[
        Path,
        typer.Option(
            "--passages", exists=True, dir_okay=False, help="JSON Lines of text, title, published, in the order of [n]."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Keep of an answer what its passages say; exit code 1 where something was dropped."""
    with readable_errors():
        from rag.verify import check
        from rag.verify.passages import read

        sources = read(passages)
        checked = check(_text(answer), sources)
        if as_json:
            say_json(_plain(checked, sources))
        else:
            say(checked.text or "(nothing is left)")
            for dropped in (*checked.dropped, *checked.citations):
                what = f"[{dropped.number}] of " if dropped.number else ""
                detail = f" ({dropped.detail})" if dropped.detail else ""
                say(f"dropped, {dropped.reason}{detail}: {what}{dropped.text}", err=True)
    if checked.dropped or checked.citations:
        raise typer.Exit(1)


def _text(answer: str) -> str:
    from rag.errors import InvalidInput

    data = sys.stdin.buffer.read() if answer == "-" else Path(answer).read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"The answer {answer} is not UTF-8 ({error}); convert it first.") from None


def _plain(checked: "Checked", sources: "list[Text]") -> dict[str, Any]:
    kept = [
        {
            "text": sentence.text,
            "quotes": [
                {
                    "passage": quote.passage + 1,
                    "id": sources[quote.passage].id,
                    "start": quote.start,
                    "end": quote.end,
                    "quote": sources[quote.passage].text[quote.start : quote.end],
                }
                for quote in sentence.quotes
            ],
        }
        for sentence in checked.kept
    ]
    dropped = [
        {"text": each.text, "reason": each.reason, "detail": each.detail, "citation": each.number}
        for each in (*checked.dropped, *checked.citations)
    ]
    return {"answer": checked.text, "refusal": checked.refusal, "kept": kept, "dropped": dropped}
