"""What the commands share: settings from flags, the engine, progress in the terminal, one line for an error."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.terminal import say_line

if TYPE_CHECKING:
    from rag.engine import Engine
    from service.settings import Settings

Seeds = Annotated[Path | None, typer.Option("--seeds", help="Folder of the documents.", show_default="seeds")]
Vectors = Annotated[
    Path | None, typer.Option("--vectors", help="Folder of the record and index.", show_default="vectors")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def settings(**given: Any) -> "Settings":
    from pydantic import ValidationError

    from rag.errors import InvalidInput
    from service.settings import Settings, explain

    names = {"seeds": "seeds_dir", "vectors": "vectors_dir"}
    try:
        return Settings(**{names.get(name, name): value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise InvalidInput(explain(error)) from None


@contextmanager
def engine_of(settings: "Settings", *, build: bool = True, empty: bool = False) -> "Iterator[Engine]":
    """The engine of these settings; with ``build`` the seeds are indexed first where the record holds nothing.

    With ``empty`` there need be no seeds.
    """
    from rag.engine import Engine

    check_writable(settings.vectors_dir)

    engine = Engine.open(
        settings.vectors_dir,
        model=settings.embedding_model,
        embedding=settings.embedding,
        threshold=settings.threshold,
        rebuild=not build,
    )
    try:
        if build and not engine.stats().documents and (settings.seeds_dir.is_dir() or not empty):
            with progress_bar("documents") as progress:
                for refused in engine.build(settings.seeds_dir, progress=progress).refused:
                    say_line(f"refused {refused.id}: {refused.detail}", err=True)
        yield engine
    finally:
        engine.close()


def check_writable(folder: Path) -> None:
    """Refuse a folder that nothing can be written to. A full disk is no reason: what is stored can be asked."""
    import errno
    import tempfile

    from rag.errors import InvalidInput

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT) and folder.is_dir():
            return
        raise InvalidInput(
            f"The folder of vectors {folder} cannot be written ({error.strerror}); "
            "make it writable, or name another with --vectors or RAG_VECTORS_DIR."
        ) from None


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
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


@contextmanager
def readable_errors() -> Iterator[None]:
    """One line instead of a traceback for what the user can mend."""
    from rag.errors import RagError

    try:
        yield
    except RagError as error:
        say_line(f"rag: {error}", err=True)
        raise typer.Exit(2) from None
    except BrokenPipeError:  # `rag search … | head -1`: nothing to complain about
        sys.stdout = None  # or its flush at exit would complain
        raise typer.Exit(1) from None
    except OSError as error:
        say_line(f"rag: {error.filename or 'file system'}: {error.strerror or error}.", err=True)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        sys.exit(130)
