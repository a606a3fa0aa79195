"""The command ``rag``: build, ask, search, duplicates, serve, eval.

It stands above both packages, so that ``rag`` itself never imports ``service`` nor reads the environment: settings
come from ``service.settings``, flags win over them. Heavy imports wait until a command needs them.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rag.engine import Engine
    from rag.types import Answer, Hit
    from service.settings import Settings

app = typer.Typer(
    name="rag", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Answers questions from Chinese articles, every citation an exact span.",
)  # fmt: skip

Seeds = Annotated[Path | None, typer.Option("--seeds", help="Folder of the documents.", show_default="seeds")]
Vectors = Annotated[
    Path | None, typer.Option("--vectors", help="Folder of the record and index.", show_default="vectors")
]
Question = Annotated[str, typer.Argument(help="The question.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TopK = Annotated[int, typer.Option("--top-k", min=1, max=50, help="Passages to draw on.")]


@app.command()
def build(
    seeds: Seeds = None,
    vectors: Vectors = None,
    full: Annotated[bool, typer.Option("--full", help="Embed everything again, also what has not changed.")] = False,
) -> None:
    """Read the seeds, embed what changed and write a new index."""
    with _readable_errors():
        settings = _settings(seeds=seeds, vectors=vectors)
        with _engine(settings, build=False) as engine, _progress("documents") as progress:
            report = engine.build(settings.seeds_dir, full=full, progress=progress)
            stats = engine.stats()
        for refused in report.refused:
            typer.echo(f"refused {refused.id}: {refused.detail}", err=True)
        typer.echo(
            f"{len(report.added)} added or changed, {len(report.unchanged)} unchanged, {len(report.removed)} removed, "
            f"{len(report.refused)} refused; {stats.documents} documents, {stats.chunks} chunks, model {stats.model}"
        )
        if report.refused:
            raise typer.Exit(1)


@app.command()
def ask(
    question: Question, seeds: Seeds = None, vectors: Vectors = None, as_json: AsJson = False, top_k: TopK = 5
) -> None:
    """Answer a question in the terminal, with its citations."""
    with _readable_errors(), _engine(_settings(seeds=seeds, vectors=vectors)) as engine:
        answer = engine.ask(_checked(question), top_k=top_k)
        if as_json:
            _print_json(answer)
            return
        typer.echo(answer.text)
        for citation in answer.citations:
            where = " · ".join(filter(None, (citation.title, citation.source, citation.published)))
            typer.echo(f"\n[{citation.marker}] {where}  ({citation.document_id} {citation.start}-{citation.end})")
            typer.echo(f"    {citation.quote}")
        typer.echo(f"\nconfidence {answer.confidence:.2f}, {answer.timings_ms['total']:.0f} ms", err=True)


@app.command()
def search(
    query: Question, seeds: Seeds = None, vectors: Vectors = None, as_json: AsJson = False, top_k: TopK = 5
) -> None:
    """Show the passages that are found for a query, best first."""
    with _readable_errors(), _engine(_settings(seeds=seeds, vectors=vectors)) as engine:
        hits = engine.search(_checked(query), top_k=top_k)
        if as_json:
            _print_json(hits)
            return
        for rank, hit in enumerate(hits, 1):
            typer.echo(f"{rank}. {hit.score:.3f}  {hit.title}  ({hit.document_id} {hit.start}-{hit.end})\n{hit.text}\n")


@app.command()
def duplicates(seeds: Seeds = None, vectors: Vectors = None, as_json: AsJson = False) -> None:
    """Show which documents hold the same text: reprints, that count as one source."""
    with _readable_errors(), _engine(_settings(seeds=seeds, vectors=vectors)) as engine:
        groups = engine.duplicates()
        if as_json:
            typer.echo(json.dumps([[asdict(copy) for copy in group] for group in groups], ensure_ascii=False, indent=2))
            return
        for group in groups:
            for copy in group:
                about = " · ".join(filter(None, (copy.title, copy.source, copy.published)))
                typer.echo(f"{copy.similarity:.2f}  {copy.id}  {about}")
            typer.echo()
        typer.echo(f"{len(groups)} groups, {sum(map(len, groups))} documents", err=True)


@app.command()
def serve(
    seeds: Seeds = None,
    vectors: Vectors = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen on.", show_default="8000")] = None,
) -> None:
    """Start the HTTP service; the seeds are indexed first where they have changed."""
    with _readable_errors():
        settings = _settings(seeds=seeds, vectors=vectors, host=host, port=port)
        _check_writable(settings.vectors_dir)
        _check_free(settings.host, settings.port)
        from service.run import run

        with suppress(KeyboardInterrupt):  # raised again after the orderly end that it asked for
            run(settings)


@app.command("eval")
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
    with _readable_errors():
        from rag import evaluate as measuring

        items = measuring.read(questions)
        with _engine(_settings(seeds=seeds, vectors=vectors), empty=load is not None) as engine:
            if load:
                with _progress("documents") as progress:
                    engine.add(_documents(load), progress=progress)
            with _progress("questions") as progress:
                rows = measuring.scores(engine, items, progress)
        if picture:
            from rag.picture import draw

            draw({questions.stem: measuring.judged(rows)}, picture)
        figures = measuring.figures(rows, items)
        typer.echo(json.dumps(figures, ensure_ascii=False, indent=None if as_json else 2))


def main() -> None:
    """Entry point of the command."""
    # Before NumPy is loaded: a question's matrices are small and each question has a thread of its own. BLAS threads
    # inside of it took twice the CPU time, and more where other work runs.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    app()


def _settings(**given: Any) -> "Settings":
    from pydantic import ValidationError

    from rag.errors import InvalidInput
    from service.settings import Settings, explain

    names = {"seeds": "seeds_dir", "vectors": "vectors_dir"}
    try:
        return Settings(**{names.get(name, name): value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise InvalidInput(explain(error)) from None


@contextmanager
def _engine(settings: "Settings", *, build: bool = True, empty: bool = False) -> "Iterator[Engine]":
    """The engine of these settings; with ``build`` the seeds are indexed first where the record holds nothing.

    With ``empty`` there need be no seeds.
    """
    from rag.engine import Engine

    _check_writable(settings.vectors_dir)

    engine = Engine.open(
        settings.vectors_dir,
        model=settings.embedding_model,
        embedding=settings.embedding,
        threshold=settings.threshold,
        rebuild=not build,
    )
    try:
        if build and not engine.stats().documents and (settings.seeds_dir.is_dir() or not empty):
            with _progress("documents") as progress:
                for refused in engine.build(settings.seeds_dir, progress=progress).refused:
                    typer.echo(f"refused {refused.id}: {refused.detail}", err=True)
        yield engine
    finally:
        engine.close()


def _check_writable(folder: Path) -> None:
    import tempfile

    from rag.errors import InvalidInput

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InvalidInput(
            f"The folder of vectors {folder} cannot be written ({error.strerror}); "
            "make it writable, or name another with --vectors or RAG_VECTORS_DIR."
        ) from None


def _check_free(host: str, port: int) -> None:
    """Before anything is loaded, whether the address can be listened on."""
    import errno
    import socket

    from rag.errors import InvalidInput

    try:
        for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            with socket.create_server(address, family=family):
                pass
    except OSError as error:
        why = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        why = "the port is taken" if error.errno == errno.EADDRINUSE else why
        raise InvalidInput(
            f"Cannot listen on {host}, port {port}: {why}; name another with --port or RAG_PORT, --host or RAG_HOST."
        ) from None


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar with rate and remaining time, on stderr and only where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(TextColumn):
        def render(self, task: Any) -> Text:
            return Text(f"{task.speed or 0:.0f} {what}/s")

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), Rate(""), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


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
    plain = [asdict(each) for each in value] if isinstance(value, list) else asdict(value)
    typer.echo(json.dumps(plain, ensure_ascii=False, indent=2, default=dict))


@contextmanager
def _readable_errors() -> Iterator[None]:
    """One line instead of a traceback for what the user can mend."""
    from rag.errors import RagError

    try:
        yield
    except RagError as error:
        typer.echo(f"rag: {error}", err=True)
        raise typer.Exit(2) from None
    except BrokenPipeError:  # `rag search … | head -1`: nothing to complain about
        sys.stdout = None  # or its flush at exit would complain
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"rag: {error.filename or 'file system'}: {error.strerror or error}.", err=True)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        sys.exit(130)
