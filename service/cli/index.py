"""Look after the folder of vectors: generations, backups, damage."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from service.cli.common import AsJson, Vectors, check_writable, progress_bar, readable_errors, settings
from service.cli.terminal import say, say_json

app = typer.Typer(
    no_args_is_help=True, help="Generations of the index: list, roll back, verify, clean up.", rich_markup_mode=None
)
Backup = Annotated[Path, typer.Argument(dir_okay=False, help="The file.")]


@app.command("list")
def list_generations(vectors: Vectors = None, as_json: AsJson = False) -> None:
    """Show the generations there are, the newest first; the current one has a star."""
    with readable_errors():
        from rag import maintenance

        found = maintenance.generations(settings(vectors=vectors).vectors_dir)
        if as_json:
            rows = [{**asdict(m), "files": len(m.files), "bytes": m.bytes, "current": now} for m, now in found]
            say_json(rows)
            return
        for m, now in found:
            say(
                f"{'*' if now else ' '} {m.name}  {m.created}  {m.documents} documents, {m.chunks} chunks, "
                f"{m.bytes / 1e6:.1f} MB, {m.identity.model}"
            )
        if not found:
            say("No generation was written yet.")


@app.command()
def rollback(
    name: Annotated[str | None, typer.Argument(help="Generation; the one before the current by default.")] = None,
    vectors: Vectors = None,
) -> None:
    """Make an earlier generation the current one from the next start on; documents stay what they are."""
    with readable_errors():
        from rag import maintenance

        chosen = maintenance.rollback(settings(vectors=vectors).vectors_dir, name)
        say(f"{chosen.name} is the current generation; what was written after it is read from the record.")


@app.command()
def verify(vectors: Vectors = None, as_json: AsJson = False) -> None:
    """Check every document, vector and index file against its hash; exit 1 where something is damaged."""
    with readable_errors():
        from rag import maintenance

        folder = settings(vectors=vectors).vectors_dir
        check_writable(folder)
        with progress_bar("documents") as progress:
            found = maintenance.verify(folder, progress)
        if as_json:
            say_json([asdict(each) for each in found])
        else:
            for each in found:
                say(f"{each.name}: {each.fault or 'whole'}")
        if any(each.fault for each in found):
            raise typer.Exit(1)


@app.command()
def gc(
    vectors: Vectors = None,
    keep: Annotated[int, typer.Option("--keep", min=1, help="Generations to keep.")] = 1,
) -> None:
    """Delete earlier generations, leftovers of killed processes and vectors that no document has."""
    with readable_errors():
        from rag import maintenance

        folder = settings(vectors=vectors).vectors_dir
        check_writable(folder)
        freed = maintenance.collect(folder, keep)
        say(f"{freed.generations} generations and {freed.vectors} vectors deleted, {freed.bytes / 1e6:.1f} MB freed")


def backup(target: Backup, vectors: Vectors = None) -> None:
    """Write all documents and vectors to one file, while the service goes on."""
    with readable_errors():
        from rag import maintenance

        size = maintenance.backup(settings(vectors=vectors).vectors_dir, target)
        say(f"{target}: {size / 1e6:.1f} MB")


def restore(source: Backup, vectors: Vectors = None) -> None:
    """Put a backup in place of all documents; what was there is kept beside it. Stop the service before."""
    with readable_errors():
        from rag import maintenance

        folder = settings(vectors=vectors).vectors_dir
        with progress_bar("documents") as progress:
            documents = maintenance.restore(folder, source, progress)
        say(f"{documents} documents restored; the index is made again at the next start")
