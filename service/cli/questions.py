"""Ask, search and measure from the terminal."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.common import AsJson, Seeds, Vectors, engine_of, progress_bar, readable_errors, settings
from service.cli.terminal import say, say_json, say_line

if TYPE_CHECKING:
    from rag.types import Answer, Hit

Question = Annotated[str, typer.Argument(help="The question.")]
TopK = Annotated[int, typer.Option("--top-k", min=1, max=50, help="Passages to draw on.")]


def ask(
    question: Question, seeds: Seeds = None, vectors: Vectors = None, as_json: AsJson = False, top_k: TopK = 5
) -> None:
    """Answer a question in the terminal, with its citations."""
    with readable_errors(), engine_of(settings(seeds=seeds, vectors=vectors)) as engine:
        answer = engine.ask(_checked(question), top_k=top_k)
        if as_json:
            _print_json(answer)
            return
        say(answer.text)
        for citation in answer.citations:
            where = " · ".join(filter(None, (citation.title, citation.source, citation.published)))
            say()
            say_line(f"[{citation.marker}] {where}  ({citation.document_id} {citation.start}-{citation.end})")
            say(f"    {citation.quote}")
        say(f"\nconfidence {answer.confidence:.2f}, {answer.timings_ms['total']:.0f} ms", err=True)


def search(
    query: Question,
    seeds: Seeds = None,
    vectors: Vectors = None,
    as_json: AsJson = False,
    top_k: TopK = 5,
    rerank: Annotated[bool, typer.Option("--rerank", help="Let the reader order the first 20 passages.")] = False,
) -> None:
    """Show the passages that are found for a query, best first."""
    with readable_errors(), engine_of(settings(seeds=seeds, vectors=vectors)) as engine:
        hits = engine.search(_checked(query), top_k=top_k, rerank=rerank)
        if as_json:
            _print_json(hits)
            return
        for rank, hit in enumerate(hits, 1):
            say_line(f"{rank}. {hit.score:.3f}  {hit.title}  ({hit.document_id} {hit.start}-{hit.end})")
            say(f"{hit.text}\n")


def evaluate(
    questions: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="JSON Lines file of questions.")],
    seeds: Seeds = None,
    vectors: Vectors = None,
    load: Annotated[
        Path | None,
        typer.Option("--load", exists=True, dir_okay=False, help="JSON Lines file of documents to add first."),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", dir_okay=False, help="Draw reliability and risk there, .svg or .png."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure answers, citations, refusals and retrieval on a file of questions."""
    with readable_errors():
        from rag import evaluate as measuring

        items = measuring.read(questions)
        with engine_of(settings(seeds=seeds, vectors=vectors), empty=load is not None) as engine:
            if load:
                with progress_bar("documents") as progress:
                    engine.add(_documents(load), progress=progress)
            with progress_bar("questions") as progress:
                rows = measuring.scores(engine, items, progress)
        if picture:
            from rag.picture import draw

            draw({questions.stem: measuring.judged(rows)}, picture)
        figures = measuring.figures(rows, items)
        say_json(figures, indent=None if as_json else 2)


def _documents(path: Path) -> list[Any]:
    from rag.errors import InvalidInput
    from rag.types import Document

    made = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                made.append(Document(**json.loads(line)))
            except (TypeError, ValueError) as error:
                raise InvalidInput(f"{path}, line {number}: not a document ({error}).") from error
    return made


def _checked(question: str) -> str:
    from rag.errors import InvalidInput

    question = question.strip()
    if not 1 <= len(question) <= 2000:
        raise InvalidInput(f"The question has {len(question)} characters; give 1 to 2000.")
    try:
        question.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidInput("The question is not valid UTF-8; check the terminal's encoding.") from None
    return question


def _print_json(value: "Answer | list[Hit]") -> None:
    from dataclasses import asdict

    plain = [asdict(each) for each in value] if isinstance(value, list) else asdict(value)
    say_json(plain)
