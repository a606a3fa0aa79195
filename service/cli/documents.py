"""Documents in and out: build, rebuild, add, remove."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from service.cli.common import AsJson, Seeds, Vectors, engine_of, progress_bar, readable_errors, settings
from service.cli.terminal import say, say_json, say_line

Full = Annotated[bool, typer.Option("--full", help="Embed everything again, also what has not changed.")]


def build(seeds: Seeds = None, vectors: Vectors = None, full: Full = False) -> None:
    """Read the seeds, embed what changed and write a new index; the same as rebuild."""
    rebuild(seeds, vectors, full)


def rebuild(seeds: Seeds = None, vectors: Vectors = None, full: Full = False) -> None:
    """Read the seeds, embed what changed and write a new index, while a service goes on with the former one.

    Broken off, it leaves what was there; run again, it does not embed again what it had embedded.
    """
    with readable_errors():
        given = settings(seeds=seeds, vectors=vectors)
        with engine_of(given, build=False) as engine, progress_bar("documents") as progress:
            report = engine.rebuild(given.seeds_dir, full=full, progress=lambda done, total, _: progress(done, total))
            stats = engine.stats()
        for refused in report.refused:
            say_line(f"refused {refused.id}: {refused.detail}", err=True)
        say(
            f"{len(report.added)} added or changed, {len(report.unchanged)} unchanged, {len(report.removed)} removed, "
            f"{len(report.refused)} refused; {stats.documents} documents, {stats.chunks} chunks, model {stats.model}"
        )
        if report.refused:
            raise typer.Exit(1)


def add(
    paths: Annotated[list[Path], typer.Argument(exists=True, help="Files, folders, zips, or JSON Lines (.xz, .gz).")],
    vectors: Vectors = None,
    id: Annotated[str | None, typer.Option("--id", help="Id of the document, where it is one file.")] = None,
) -> None:
    """Add documents; one whose id is taken replaces what was there. A running service finds them at once.

    Broken off, what was added stays; run again, it goes on with the rest.
    """
    from rag.errors import InvalidInput
    from service.cli.sources import Sources

    with readable_errors():
        sources = Sources(paths, id)
        with engine_of(settings(vectors=vectors), build=False) as engine, progress_bar("documents") as progress:
            report = engine.add(sources, progress=lambda done, _: progress(done, sources.expected(done)))
            stats = engine.stats()
        for name, detail in sources.refused:
            say_line(f"refused {name}: {detail}", err=True)
        say(
            f"{len(report.added)} added or changed, {len(report.unchanged)} unchanged, {len(sources.refused)} refused; "
            f"{stats.documents} documents, {stats.chunks} chunks, model {stats.model}"
        )
        if not (report.added or report.unchanged or sources.refused):
            raise InvalidInput("No document is in what was named; give files, folders or JSON Lines that hold some.")
        if len(report.added) == 1:
            say_line(f"id {report.added[0]}")
        if sources.refused:
            raise typer.Exit(1)


def remove(
    ids: Annotated[list[str], typer.Argument(help="Ids of documents.")],
    vectors: Vectors = None,
) -> None:
    """Remove documents; no query finds them from then on. A removed seed stays away until its file changes."""
    with readable_errors(), engine_of(settings(vectors=vectors), build=False) as engine:
        removed = engine.remove(ids)
        unknown = [id for id in ids if id not in removed]
        say(f"{len(removed)} removed, {engine.stats().documents} left")
        for id in unknown:
            say(f"rag: there is no document {id!r}.", err=True)
        if unknown:
            raise typer.Exit(1)


def duplicates(seeds: Seeds = None, vectors: Vectors = None, as_json: AsJson = False) -> None:
    """Show which documents hold the same text: reprints, that count as one source."""
    with readable_errors(), engine_of(settings(seeds=seeds, vectors=vectors)) as engine:
        groups = engine.duplicates()
        if as_json:
            say_json([[asdict(copy) for copy in group] for group in groups])
            return
        for group in groups:
            for copy in group:
                about = " · ".join(filter(None, (copy.title, copy.source, copy.published)))
                say_line(f"{copy.similarity:.2f}  {copy.id}  {about}")
            say()
        say(f"{len(groups)} groups, {sum(map(len, groups))} documents", err=True)


COMMANDS = (build, rebuild, add, remove, duplicates)
