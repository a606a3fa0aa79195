"""The process that faults are made in: it loads everything once, then forks for each. It hears and answers in lines.

Started with shim.c in LD_PRELOAD: ``python -m crash.server FOLDER``.
"""

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crash import flips, traced
from crash.engine import warm
from crash.kills import Kills
from crash.outages import Outages
from crash.points import FAULTS, Bench, calls, strike


def serve(folder: Path) -> None:
    """Answers each request, ``[name, arguments…]``, with what came of it."""
    logging.disable(logging.CRITICAL)
    warm(folder / "once")
    bench = Bench(folder)
    outages, kills = Outages(bench), Kills(bench)
    known: dict[str, Callable[..., Any]] = {
        "calls": lambda scenario, classes: calls(bench, scenario, classes),
        "changes": lambda scenario: sum(c.kind != "A" for c in outages.trace(scenario)),
        "fault": lambda scenario, fault, at: strike(bench, scenario, FAULTS[fault], at),
        "outage": lambda scenario, outage, at: outages.strike(scenario, at, outage),
        "strace counts": lambda scenario: traced.counts(bench, scenario),
        "strace": lambda scenario, action, call, at: traced.strike(bench, scenario, action, call, at),
        "kill": kills.strike,
        "acknowledged": lambda: kills.acknowledged,
        "index": lambda seed: flips.strike_index(bench, seed),
        "record": lambda seed: flips.strike_record(bench, seed),
    }
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(known[name](*arguments)), flush=True)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
