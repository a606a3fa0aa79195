"""Strikes at every point, prints what came of it as a table, and ends with status 1 where anything was wrong."""

import argparse
import os
import random
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from crash import shim, traced
from crash.points import FAULTS
from crash.run import Asked, Outcome, Server, run, servers
from crash.scenarios import SCENARIOS, THREADED

# Every how manieth call of each scenario is struck.
STRIDES = {
    "kill": 1,
    "torn write": 2,
    "EIO once": 1,
    "EIO from then on": 4,
    "EIO on reading": 6,
    "ENOSPC once": 8,
    "disk full": 1,
    "power: nothing": 1,
    "power: names": 2,
    "power: some": 2,
    "power: most": 4,
}
KILLS, FLIPS, RECORDS, STRACE = 300, 1000, 300, 3  # STRACE: of each kind of call in each scenario


def plan(
    servers: Sequence[Server],
    *,
    share: float = 1.0,
    points: Mapping[str, int] | None = None,
    strace: int = STRACE,
    kills: int = KILLS,
    flips: int = FLIPS,
    scenarios: Sequence[str] = tuple(SCENARIOS),
) -> list[Asked]:
    """All that is to be struck, in an order in which the time that is left can be told.

    Args:
        servers: the first of them is asked how many points there are.
        share: how much of the points of scenarios are taken, spread over each.
        points: how many of each scenario instead, by kind of fault.
        strace: points of each kind of system call in each scenario.
        kills: random kills.
        flips: of files of the index; of the record in proportion.
        scenarios: their names.
    """
    asked: list[Asked] = []
    for scenario in scenarios:
        changed, read = (servers[0].ask("calls", scenario, which) for which in (shim.CHANGES, shim.READS))
        changes = servers[0].ask("changes", scenario)
        for kind in STRIDES if points is None else points:
            if kind in FAULTS:
                names = changed if FAULTS[kind].classes == shim.CHANGES else read
                writes = {"pwrite", "write"} if kind == "torn write" else None
                at = [n for n, name in enumerate(names, 1) if writes is None or name.split()[0] in writes]
                requests = [("fault", scenario, kind, n) for n in at]
            else:
                requests = [("outage", scenario, kind.removeprefix("power: "), n) for n in range(changes + 1)]
            wanted = share * len(requests) / STRIDES[kind] if points is None else points[kind]
            asked += [(kind, scenario, request) for request in _spread(requests, wanted)]
        if strace:
            asked += [("strace", scenario, request) for request in _traced(scenario, changed, strace)]
            if scenario not in THREADED:
                asked.append(("counted twice", scenario, ("strace counts", scenario)))
    random.Random(1).shuffle(asked)
    asked += [("random kill", "writes of two processes", ("kill", seed)) for seed in range(kills)]
    asked += [("flip or cut", "files of the index", ("index", seed)) for seed in range(flips)]
    asked += [("flip or cut", "the record", ("record", seed)) for seed in range(flips * RECORDS // FLIPS)]
    return asked


def _spread(requests: Sequence[Any], count: float) -> list[Any]:
    """That many of them, evenly, at least one."""
    wanted = min(max(1, round(count)), len(requests))
    return [requests[(2 * n + 1) * len(requests) // (2 * wanted)] for n in range(wanted)]


def _traced(scenario: str, changed: Sequence[str], count: int) -> list[tuple[Any, ...]]:
    out: list[tuple[Any, ...]] = []
    for call in traced.SYSTEM_CALLS:
        there = sum(name.split()[0] == call for name in changed)
        points = [("strace", scenario, action, call, n + 1) for n in range(there) for action in traced.ACTIONS]
        out += _spread(points, count)
    return out


def main() -> int:
    """All, or a share of it, from the command line."""
    parser = argparse.ArgumentParser(prog="crash", description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="how much of the points of scenarios are taken")
    parser.add_argument("--kills", type=int, default=KILLS, help="random kills")
    parser.add_argument(
        "--flips", type=int, default=FLIPS, help="of files of the index; and of the record in proportion"
    )
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, default=list(SCENARIOS), help="these scenarios")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    if why := shim.missing():
        print(f"Faults cannot be injected here: {why}.", file=sys.stderr)
        return 2
    if why := traced.missing():
        print(f"Not cross-checked: {why}.", file=sys.stderr)
    began = time.monotonic()
    with servers(options.processes) as made:
        strace = 0 if why else round(STRACE * options.share) or 1
        amount = {"share": options.share, "strace": strace, "kills": options.kills, "flips": options.flips}
        asked = plan(made, **amount, scenarios=options.only)
        outcome = _watched(made, asked)
        acknowledged = sum(server.ask("acknowledged") for server in made)
    print(table(outcome))
    print(
        f"\n{outcome.points} points, {len(outcome.failures)} failures, {time.monotonic() - began:.0f} s with", end=" "
    )
    print(f"{options.processes} processes; {acknowledged} writes acknowledged before random kills.")
    for request, wrong in outcome.failures:
        print(f"\n{request}: {wrong}")
    return 1 if outcome.failures else 0


def _watched(made: Sequence[Server], asked: Sequence[Asked]) -> Outcome:
    """Runs with a bar that says how many are done, how many a second, and how long it will take."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("0.0/s", total=len(asked))
        began, done, wrong = time.monotonic(), 0, 0

        def told(request: tuple[Any, ...], fault: str) -> None:
            nonlocal done, wrong
            done += 1
            wrong += bool(fault)
            if fault:
                console.print(f"{request}: {fault}", markup=False)
            rate = done / (time.monotonic() - began)
            progress.update(task, completed=done, description=f"{rate:.1f}/s, {wrong} failures")
            if done % 500 == 0 and not console.is_terminal:
                left = (len(asked) - done) / rate
                console.print(f"{done} of {len(asked)}, {rate:.1f}/s, {wrong} failures, {left:.0f} s left")

        return run(made, asked, told)


def table(outcome: Outcome) -> str:
    """Points and failures by scenario and kind of fault, as Markdown."""
    kinds = [kind for kind in [*STRIDES, "strace", "counted twice"] if kind in outcome.rows]
    lines = ["| | " + " | ".join([*kinds, "seconds"]) + " |", "|---|" + "--:|" * (len(kinds) + 1)]
    for scenario in (name for name in SCENARIOS if name in outcome.rows[kinds[0]]):
        tallies = [outcome.rows[kind][scenario] for kind in kinds]
        cells = [f"{t.points}" + (f" (**{len(t.failures)} failed**)" if t.failures else "") for t in tallies]
        lines.append(f"| {scenario} | " + " | ".join([*cells, f"{sum(t.seconds for t in tallies):.0f}"]) + " |")
    lines += ["", "| | points | failures | seconds |", "|---|--:|--:|--:|"]
    for kind, row in outcome.rows.items():
        points, failures = sum(t.points for t in row.values()), sum(len(t.failures) for t in row.values())
        if kind in kinds:
            lines.append(f"| {kind} | {points} | {failures} | {sum(t.seconds for t in row.values()):.0f} |")
        else:
            for what, tally in row.items():
                name = f"{kind}, {what}"
                lines.append(f"| {name} | {tally.points} | {len(tally.failures)} | {tally.seconds:.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
